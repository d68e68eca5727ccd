//! Telling apart two runs of one schedule, and why they differ.

use onecommit_environment::{Clock, SystemClock, Timestamp};

/// How the second run of a schedule differs from the first; `None` when they are the same.
pub(crate) fn between(first: &[String], second: &[String]) -> Option<String> {
    let place = first.iter().zip(second).position(|(one, other)| one != other);
    let place = match place {
        Some(place) => place,
        None if first.len() == second.len() => return None,
        None => first.len().min(second.len()),
    };
    let at = |lines: &[String]| lines.get(place).map_or("nothing", String::as_str).to_owned();
    let (one, other) = (at(first), at(second));
    let (one, other) = around_the_first_difference(&one, &other);
    let process = first.get(place).or(second.get(place));
    let process = process.and_then(|line| line.split(':').next()).unwrap_or("a process");
    let real = [&one, &other].iter().any(|text| shows_the_real_time(text));
    let cause = if real {
        "it uses the real clock. Ask the environment for the time"
    } else {
        "it is not deterministic. Take randomness and ids from the environment, and do not rely on the order of a hash map"
    };
    Some(format!(
        "{process}: {cause}. The same schedule led to {one:?} first, and then to {other:?}"
    ))
}

/// So much of both that one sees where they part.
fn around_the_first_difference(one: &str, other: &str) -> (String, String) {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let same = one.iter().zip(&other).take_while(|(left, right)| left == right).count();
    let cut = |text: &[char]| {
        let (start, end) = (same.saturating_sub(60), (same + 40).min(text.len()));
        text[start.min(text.len())..end].iter().collect::<String>()
    };
    (cut(&one), cut(&other))
}

/// Whether a number or a time in the text is within an hour of the real time, which is years before the simulated one.
fn shows_the_real_time(text: &str) -> bool {
    let now = SystemClock.now();
    let is_near = |moment: Timestamp| (moment.unix_ms() - now.unix_ms()).abs() < 3_600_000;
    let numbers = text.split(|character: char| !character.is_ascii_digit());
    let mut as_numbers = numbers.filter_map(|digits| {
        let number: i64 = digits.parse().ok()?;
        // Seconds, milliseconds, microseconds or nanoseconds since 1970.
        match digits.len() {
            10 => Some(number * 1000),
            13 => Some(number),
            16 => Some(number / 1000),
            19 => Some(number / 1_000_000),
            _ => None,
        }
    });
    let day = now.to_string().chars().take(13).collect::<String>();
    text.contains(&day) || as_numbers.any(|ms| is_near(Timestamp::from_unix_ms(ms)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_that_are_the_same_do_not_differ() {
        let lines = ["a: put x".to_owned()];
        assert_eq!(between(&lines, &lines), None);
    }

    #[test]
    fn a_real_time_is_told_from_other_differences() {
        let lines = |value: String| [format!("stock/1: put {value}")];
        let now = SystemClock.now();
        let real = between(
            &lines(now.unix_ms().to_string()),
            &lines((now.unix_ms() + 3).to_string()),
        );
        assert!(real.unwrap().contains("real clock"));
        let random = between(&lines("7".to_owned()), &lines("8".to_owned())).unwrap();
        assert!(random.starts_with("stock/1: it is not deterministic"), "{random}");
    }
}
