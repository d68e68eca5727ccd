use std::ops::RangeInclusive;

use crate::error::ApiError;

/// Refuses a text of a path, a query or a body that is too short or too long, in bytes, or holds a control character.
///
/// Texts of callers become keys of tables, which have limits of their own: what is let in here has to fit there, or the
/// answer is a fault of ours.
///
/// # Errors
/// 400 `invalidField`; the message begins with the field.
pub fn check_text(field: &str, text: &str, bytes: RangeInclusive<usize>) -> Result<(), ApiError> {
    if bytes.contains(&text.len()) && !text.chars().any(char::is_control) {
        return Ok(());
    }
    let (least, most) = (bytes.start(), bytes.end());
    let message = format!("{field}: it has to be {least} to {most} bytes of text without control characters");
    Err(ApiError::invalid("invalidField", message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_outside_of_its_limits_is_refused_by_name() {
        assert_eq!(check_text("category", "tea", 1..=3), Ok(()));
        for text in ["", "teas", "t\n"] {
            let error = check_text("category", text, 1..=3).unwrap_err();
            assert_eq!((error.status().as_u16(), error.code()), (400, "invalidField"));
            assert!(error.message().starts_with("category: "), "{}", error.message());
        }
    }
}
