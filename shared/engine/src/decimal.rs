use std::cmp::Ordering;
use std::fmt;

/// The most significant digits of a number.
const DIGITS_MAX: usize = 38;
/// The exponents of the largest and the smallest number, with one digit before the point.
const EXPONENT_MAX: i64 = 125;
const EXPONENT_MIN: i64 = -130;

/// A number as DynamoDB keeps it: exact, of up to 38 significant digits, its magnitude from 1E-130 to below 1E+126
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html>).
///
/// Written out, one number has one text: without an exponent, without zeros that say nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decimal {
    is_negative: bool,
    /// Each from 0 to 9, without zeros at either end. None for zero.
    digits: Vec<u8>,
    /// How many of them stand before the point; negative when zeros follow the point first.
    point: i64,
}

/// Why a text is not a number that DynamoDB keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotKept {
    /// It is not a decimal number.
    NotANumber,
    /// It has more than 38 significant digits.
    TooPrecise,
    /// Its magnitude is 1E+126 or more.
    TooLarge,
    /// Its magnitude is less than 1E-130, and it is not zero.
    TooSmall,
}

impl Decimal {
    /// Reads a decimal number, with or without a fraction and an exponent.
    ///
    /// # Errors
    /// When DynamoDB would refuse it.
    pub fn parse(text: &str) -> Result<Self, NotKept> {
        let (is_negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent_of(exponent)?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return Err(NotKept::NotANumber);
        }
        let digits = digits.into_iter().map(|digit| digit - b'0').collect();
        let length = i64::try_from(whole.len()).map_err(|_| NotKept::TooLarge)?;
        Self::kept(is_negative, digits, length.saturating_add(exponent))
    }

    /// The sum.
    ///
    /// # Errors
    /// When DynamoDB would refuse it.
    pub fn plus(&self, other: &Self) -> Result<Self, NotKept> {
        let (left, right, point) = aligned(self, other);
        if self.is_negative == other.is_negative {
            let (digits, carried) = sum(&left, &right);
            return Self::kept(self.is_negative, digits, point + carried);
        }
        match left.cmp(&right) {
            Ordering::Less => Self::kept(other.is_negative, difference(&right, &left), point),
            _ => Self::kept(self.is_negative, difference(&left, &right), point),
        }
    }

    fn kept(is_negative: bool, mut digits: Vec<u8>, point: i64) -> Result<Self, NotKept> {
        while digits.last() == Some(&0) {
            digits.pop();
        }
        let zeros = digits.iter().take_while(|digit| **digit == 0).count();
        digits.drain(..zeros);
        if digits.is_empty() {
            return Ok(Self {
                is_negative: false,
                digits,
                point: 0,
            });
        }
        let point = point.saturating_sub(i64::try_from(zeros).unwrap_or(i64::MAX));
        match () {
            () if point > EXPONENT_MAX + 1 => Err(NotKept::TooLarge),
            () if point < EXPONENT_MIN + 1 => Err(NotKept::TooSmall),
            () if digits.len() > DIGITS_MAX => Err(NotKept::TooPrecise),
            () => Ok(Self {
                is_negative,
                digits,
                point,
            }),
        }
    }

    fn magnitude(&self) -> (bool, i64, &[u8]) {
        (!self.digits.is_empty(), self.point, &self.digits)
    }
}

/// Stands for every exponent that is further out: no number that is kept comes near it.
const FAR_OUT: i64 = i64::MAX / 4;

fn exponent_of(text: &str) -> Result<i64, NotKept> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NotKept::NotANumber);
    }
    let far_out = if text.starts_with('-') { -FAR_OUT } else { FAR_OUT };
    Ok(text.parse().unwrap_or(far_out).clamp(-FAR_OUT, FAR_OUT))
}

/// The digits of both from one point on, of one length.
fn aligned(left: &Decimal, right: &Decimal) -> (Vec<u8>, Vec<u8>, i64) {
    let point = left.point.max(right.point);
    let shifted = |number: &Decimal| {
        let zeros = usize::try_from(point - number.point).unwrap_or(0);
        let mut digits = vec![0; zeros];
        digits.extend(&number.digits);
        digits
    };
    let (mut left, mut right) = (shifted(left), shifted(right));
    let length = left.len().max(right.len());
    left.resize(length, 0);
    right.resize(length, 0);
    (left, right, point)
}

/// Digits of one length added, and how many places the point moved for it.
fn sum(left: &[u8], right: &[u8]) -> (Vec<u8>, i64) {
    let mut digits = vec![0; left.len() + 1];
    for place in (0..left.len()).rev() {
        let added = left[place] + right[place] + digits[place + 1];
        digits[place + 1] = added % 10;
        digits[place] = added / 10;
    }
    (digits, 1)
}

/// Digits of one length, of which the first are not less.
fn difference(more: &[u8], less: &[u8]) -> Vec<u8> {
    let mut digits = vec![0; more.len()];
    let mut borrowed = 0;
    for place in (0..more.len()).rev() {
        let (from, take) = (more[place], less[place] + borrowed);
        borrowed = u8::from(from < take);
        digits[place] = from + 10 * borrowed - take;
    }
    digits
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.is_negative, other.is_negative) {
            (false, false) => self.magnitude().cmp(&other.magnitude()),
            (true, true) => other.magnitude().cmp(&self.magnitude()),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.digits.is_empty() {
            return formatter.write_str("0");
        }
        let text = |digits: &[u8]| digits.iter().map(|digit| char::from(b'0' + digit)).collect::<String>();
        let sign = if self.is_negative { "-" } else { "" };
        let zeros = |count: i64| "0".repeat(usize::try_from(count).unwrap_or(0));
        match usize::try_from(self.point) {
            Ok(point) if point >= self.digits.len() => {
                let missing = self.point - i64::try_from(self.digits.len()).unwrap_or(0);
                write!(formatter, "{sign}{}{}", text(&self.digits), zeros(missing))
            }
            Ok(point) if point > 0 => {
                let (whole, fraction) = self.digits.split_at(point);
                write!(formatter, "{sign}{}.{}", text(whole), text(fraction))
            }
            _ => write!(formatter, "{sign}0.{}{}", zeros(-self.point), text(&self.digits)),
        }
    }
}

impl fmt::Display for NotKept {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NotANumber => "the text is not a decimal number",
            Self::TooPrecise => "the number has more than 38 significant digits",
            Self::TooLarge => "the number's magnitude is 1E+126 or more",
            Self::TooSmall => "the number's magnitude is below 1E-130",
        })
    }
}

impl std::error::Error for NotKept {}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> Result<String, NotKept> {
        Decimal::parse(text).map(|number| number.to_string())
    }

    #[test]
    fn one_number_has_one_text() {
        for (text, expected) in [
            ("0", "0"),
            ("-0.00e9", "0"),
            ("0e99999999999999999999", "0"),
            ("007", "7"),
            ("+2.0", "2"),
            ("1e2", "100"),
            ("120.50", "120.5"),
            ("-0.0012E-3", "-0.0000012"),
            (".5", "0.5"),
            ("5.", "5"),
            ("12345678901234567890.123", "12345678901234567890.123"),
        ] {
            assert_eq!(written(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_dynamodb_does_not_keep_is_refused() {
        let nines = "9".repeat(38);
        for (text, expected) in [
            (nines.clone(), None),
            (format!("{nines}e89"), Some(NotKept::TooLarge)),
            (format!("{nines}e88"), None),
            (format!("{nines}1"), Some(NotKept::TooPrecise)),
            (format!("{nines}0"), None),
            ("1e126".into(), Some(NotKept::TooLarge)),
            ("-1e125".into(), None),
            ("1e-130".into(), None),
            ("9e-131".into(), Some(NotKept::TooSmall)),
            ("1e99999999999999999999".into(), Some(NotKept::TooLarge)),
            ("1e-99999999999999999999".into(), Some(NotKept::TooSmall)),
        ] {
            assert_eq!(Decimal::parse(&text).err(), expected, "{text}");
        }
        for text in [
            "", "-", ".", "e5", "1e", "1e+", "NaN", "0x1", " 1", "1_000", "--1", "1e5.0", "१",
        ] {
            assert_eq!(written(text), Err(NotKept::NotANumber), "{text}");
        }
    }

    #[test]
    fn numbers_are_compared_exactly() {
        let ascending = [
            "-1e125",
            "-2.5",
            "-2",
            "0",
            "1e-130",
            "0.3",
            "9007199254740992.5",
            "9007199254740993",
            "1e20",
        ];
        let numbers: Vec<Decimal> = ascending.iter().map(|text| Decimal::parse(text).unwrap()).collect();
        assert!(numbers.is_sorted_by(|left, right| left < right));
        assert_eq!(Decimal::parse("1e2"), Decimal::parse("100.0"));
    }

    #[test]
    fn sums_are_exact_or_refused() {
        let plus = |left: &str, right: &str| {
            let sum = Decimal::parse(left).unwrap().plus(&Decimal::parse(right).unwrap());
            sum.map(|sum| sum.to_string())
        };
        for (left, right, expected) in [
            ("2.5", "1", "3.5"),
            ("0.1", "0.2", "0.3"),
            ("99", "1", "100"),
            ("5", "-5", "0"),
            ("-5", "3", "-2"),
            ("3", "-5.25", "-2.25"),
            ("1000", "-1", "999"),
            ("1000.01", "-0.02", "999.99"),
            ("9007199254740993", "0.5", "9007199254740993.5"),
        ] {
            assert_eq!(plus(left, right).as_deref(), Ok(expected), "{left} + {right}");
            assert_eq!(plus(right, left).as_deref(), Ok(expected), "{right} + {left}");
        }
        assert_eq!(plus("1e38", "1"), Err(NotKept::TooPrecise));
        assert_eq!(plus("9e125", "1e125"), Err(NotKept::TooLarge));
    }
}
