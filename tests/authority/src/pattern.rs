//! Wildcards of policies: `*` for any text, `?` for one character.

/// Whether the whole text matches.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    if !pattern.contains(['*', '?']) {
        return pattern == text;
    }
    // What AWS writes is ASCII; only in other text is a character more than a byte.
    if pattern.is_ascii() && text.is_ascii() {
        return are_matched(pattern.as_bytes(), text.as_bytes(), b'*', b'?');
    }
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    are_matched(&pattern, &text, '*', '?')
}

fn are_matched<T: Copy + PartialEq>(pattern: &[T], text: &[T], any: T, single: T) -> bool {
    let (mut at, mut from) = (0, 0);
    // Where the last `*` stands, and how much of the text it has taken.
    let mut star: Option<(usize, usize)> = None;
    while from < text.len() {
        match pattern.get(at) {
            Some(one) if *one == any => {
                star = Some((at, from));
                at += 1;
            }
            Some(one) if *one == single || *one == text[from] => {
                at += 1;
                from += 1;
            }
            _ => match star {
                Some((place, taken)) => {
                    star = Some((place, taken + 1));
                    at = place + 1;
                    from = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|one| *one == any)
}

/// An action, whose case does not matter.
pub(crate) fn matches_action(pattern: &str, action: &str) -> bool {
    if !pattern.contains(['*', '?']) {
        return pattern.eq_ignore_ascii_case(action);
    }
    matches(&pattern.to_ascii_lowercase(), &action.to_ascii_lowercase())
}

/// An ARN, part by part: a wildcard of one part takes nothing from the next.
pub(crate) fn matches_arn(pattern: &str, arn: &str) -> bool {
    let (patterns, parts): (Vec<&str>, Vec<&str>) = (pattern.splitn(6, ':').collect(), arn.splitn(6, ':').collect());
    patterns.len() == parts.len() && patterns.iter().zip(parts).all(|(pattern, part)| matches(pattern, part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_takes_any_text_and_a_question_mark_one_character() {
        for (pattern, text) in [
            ("*", ""),
            ("a*", "a"),
            ("a*c", "abbc"),
            ("a*b*c", "aXbYbZc"),
            ("a?c", "abc"),
            ("Order#*", "Order#1#2"),
            ("**", "x"),
            ("a?c", "aéc"),
            ("*é?", "aéü"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("", "a"),
            ("a?", "a"),
            ("a*c", "acb"),
            ("abc", "ABC"),
            ("Order#*", "OrderSaga#1"),
        ] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn the_case_of_an_action_does_not_matter() {
        assert!(matches_action("DynamoDB:Get*", "dynamodb:GetItem"));
        assert!(matches_action("DynamoDB:getitem", "dynamodb:GetItem"));
        assert!(!matches_action("dynamodb:Get*", "dynamodb:PutItem"));
        assert!(!matches_action("dynamodb:Get", "dynamodb:GetItem"));
    }

    #[test]
    fn a_wildcard_stays_within_its_part_of_an_arn() {
        let topic = "arn:aws:sns:eu-west-1:123456789012:events";
        assert!(matches_arn("arn:aws:sns:*:123456789012:e*", topic));
        assert!(!matches_arn("arn:aws:*:events", topic));
        assert!(!matches_arn("*", topic));
    }
}
