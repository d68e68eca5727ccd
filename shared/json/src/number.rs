//! Numbers by their exact value: `digits` times ten to the power of `exponent`.

use crate::rules::DIGITS_MAX;

/// Exponents beyond it are cut to it: what they stand for is refused long before.
const EXPONENT_MAX: i64 = 1_000_000_000;
/// More digits than an `i128` has.
const WHOLE_DIGITS_MAX: i64 = 38;

/// A number without the freedom of its notation: no zeros at either end of its digits, none at all for 0.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Decimal {
    is_negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    /// The value of a JSON number.
    pub(crate) fn of(text: &str) -> Self {
        let (is_negative, unsigned) = match text.strip_prefix('-') {
            Some(unsigned) => (true, unsigned),
            None => (false, text),
        };
        let (mantissa, power) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let written = [whole, fraction].concat();
        let digits = written.trim_start_matches('0');
        let trimmed = digits.trim_end_matches('0');
        if trimmed.is_empty() {
            return Self {
                is_negative: false,
                digits: String::new(),
                exponent: 0,
            };
        }
        let zeros = length(digits) - length(trimmed);
        Self {
            is_negative,
            digits: trimmed.to_owned(),
            exponent: power_of(power) - length(fraction) + zeros,
        }
    }

    /// Why some route would not keep the number.
    pub(crate) fn problem(&self) -> Option<String> {
        if self.digits.len() > DIGITS_MAX {
            return Some(format!(
                "the number has more than {DIGITS_MAX} digits; write it as a string"
            ));
        }
        let is_out_of_range = !self.is_in_range();
        is_out_of_range.then(|| "the number is beyond the range of doubles; write it as a string".to_owned())
    }

    /// The value as an integer, when it is whole and not huge.
    pub(crate) fn whole(&self) -> Option<i128> {
        if self.digits.is_empty() {
            return Some(0);
        }
        if self.exponent < 0 || length(&self.digits) + self.exponent > WHOLE_DIGITS_MAX {
            return None;
        }
        let digits: i128 = self.digits.parse().ok()?;
        let value = digits * 10_i128.pow(u32::try_from(self.exponent).ok()?);
        Some(if self.is_negative { -value } else { value })
    }

    /// The nearest double.
    fn double(&self) -> f64 {
        self.exact().parse().unwrap_or(f64::INFINITY)
    }

    /// Whether it lies where doubles lie, so that who reads it as one gets neither infinity nor zero instead.
    fn is_in_range(&self) -> bool {
        self.digits.is_empty() || (self.double().is_finite() && self.double() != 0.0)
    }

    /// One text for each value.
    pub(crate) fn canonical(&self) -> String {
        self.held_by_a_double().unwrap_or_else(|| self.exact())
    }

    /// The text of a value that a double or a 64-bit integer holds exactly. It is the one that `serde_json` writes, which
    /// is what fingerprints were made of before numbers were told apart further than that.
    pub(crate) fn held_by_a_double(&self) -> Option<String> {
        if let Some(whole) = self.whole()
            && (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&whole)
        {
            return Some(whole.to_string());
        }
        let shortest = serde_json::Value::from(self.double()).to_string();
        (Self::of(&shortest) == *self).then_some(shortest)
    }

    fn exact(&self) -> String {
        let sign = if self.is_negative { "-" } else { "" };
        format!("{sign}{}e{}", self.digits, self.exponent)
    }
}

fn length(text: &str) -> i64 {
    i64::try_from(text.len()).unwrap_or(EXPONENT_MAX)
}

fn power_of(text: &str) -> i64 {
    let power = text.parse::<i64>().unwrap_or(match text.starts_with('-') {
        true => -EXPONENT_MAX,
        false => EXPONENT_MAX,
    });
    power.clamp(-EXPONENT_MAX, EXPONENT_MAX)
}

/// The texts of a JSON text's numbers, in their order. The text has to be sound: then a number is what starts with a
/// digit or a minus outside of a text.
pub(crate) struct Numbers<'a> {
    rest: &'a str,
}

impl<'a> Numbers<'a> {
    pub(crate) fn of(sound: &'a str) -> Self {
        Self { rest: sound }
    }
}

impl<'a> Iterator for Numbers<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        loop {
            let start = self
                .rest
                .find(|character: char| matches!(character, '"' | '-' | '0'..='9'))?;
            let rest = &self.rest[start..];
            if let Some(text) = rest.strip_prefix('"') {
                self.rest = &text[end_of_text(text)..];
                continue;
            }
            let is_outside = |character: char| !matches!(character, '0'..='9' | '+' | '-' | '.' | 'e' | 'E');
            let (number, rest) = rest.split_at(rest.find(is_outside).unwrap_or(rest.len()));
            self.rest = rest;
            return Some(number);
        }
    }
}

/// Behind the quote that ends a text.
fn end_of_text(text: &str) -> usize {
    let mut from = 0;
    while let Some(place) = text[from..].find(['"', '\\']) {
        let at = from + place;
        if text.as_bytes()[at] == b'"' {
            return at + 1;
        }
        // A backslash, and what it escapes: one byte, of a sound text.
        from = at + 2;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_has_one_canonical_text() {
        for (texts, canonical) in [
            (&["2", "2.0", "2e0", "0.2e1", "20E-1"][..], "2"),
            (&["100", "1e2", "1E+2", "100.00"], "100"),
            (&["0", "-0", "0.0", "-0e7", "0e999999999999999999999"], "0"),
            (&["1.5", "1.50", "15e-1"], "1.5"),
            (&["-1.5", "-15e-1"], "-1.5"),
            (&["9007199254740993", "9007199254740993.0"], "9007199254740993"),
            (&["18446744073709551615"], "18446744073709551615"),
            (&["1e21", "1000000000000000000000"], "1e+21"),
            (&["18446744073709551617"], "18446744073709551617e0"),
            (&["0.12345678901234567890"], "1234567890123456789e-19"),
            (&["-9223372036854775808"], "-9223372036854775808"),
        ] {
            for text in texts {
                assert_eq!(Decimal::of(text).canonical(), canonical, "{text}");
            }
        }
    }

    #[test]
    fn a_whole_number_is_whole_by_value() {
        for (text, whole) in [
            ("1e0", Some(1)),
            ("-0", Some(0)),
            ("1.50e1", Some(15)),
            ("1.5", None),
            ("1e-1", None),
            ("1e400", None),
            ("1e-99999999999999999999", None),
        ] {
            assert_eq!(Decimal::of(text).whole(), whole, "{text}");
        }
    }

    #[test]
    fn numbers_are_found_outside_of_texts_only() {
        let json = r#"{"a1":-1.5e+3,"b\"2":"3\\","c":[4,{"5":"\"6"},0.7],"d":true}"#;
        assert_eq!(Numbers::of(json).collect::<Vec<_>>(), ["-1.5e+3", "4", "0.7"]);
    }

    #[test]
    fn a_number_beyond_doubles_is_out_of_range() {
        for (text, is_in_range) in [("1e308", true), ("1e309", false), ("1e-320", true), ("1e-400", false)] {
            assert_eq!(Decimal::of(text).is_in_range(), is_in_range, "{text}");
        }
    }
}
