use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::trouble::InvalidRequest;

/// What a segment keeps: RFC 3986, section 2.3.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The longest path with its query, in bytes.
const BYTES_MAX: usize = 8 << 10;

/// A text as one segment of a path, or as one value of a query: whatever it holds, it stays that.
///
/// ```
/// use onecommit_client::segment;
/// assert_eq!(format!("/products/{}", segment("a/../b?c")), "/products/a%2F..%2Fb%3Fc");
/// ```
#[must_use]
pub fn segment(text: &str) -> String {
    match text {
        // A segment of its own that means another place.
        "." => "%2E".to_owned(),
        ".." => "%2E%2E".to_owned(),
        text => utf8_percent_encode(text, UNRESERVED).to_string(),
    }
}

/// Checks a path with its query, as it is appended to a service's address.
pub(crate) fn check(path: &str) -> Result<(), InvalidRequest> {
    let wrong = |problem| Err(InvalidRequest::Path(problem));
    if !path.starts_with('/') || path.starts_with("//") {
        return wrong("has to begin with one '/'");
    }
    if path.len() > BYTES_MAX {
        return wrong("is too long: the limit is 8192 bytes");
    }
    if !path.bytes().all(|byte| byte.is_ascii_graphic()) || path.contains(['#', '\\']) {
        return wrong("contains a character that has to be percent-encoded");
    }
    let only_path = path.split('?').next().unwrap_or_default();
    let climbs = |part: &str| {
        let part = percent_decode_str(part).decode_utf8_lossy();
        part == "." || part == ".."
    };
    if only_path.split('/').any(climbs) {
        return wrong("contains a segment '.' or '..'");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_cannot_leave_its_service() {
        for path in [
            "",
            "products",
            "//evil.example/x",
            "http://evil.example/",
            "/a/../b",
            "/a/%2e%2E/b",
            "/./a",
            "/a b",
            "/a\r\nHost: x",
            "/a#b",
            "/a\\b",
            "/ä",
        ] {
            assert!(check(path).is_err(), "{path:?}");
        }
        assert!(check(&format!("/{}", "a".repeat(BYTES_MAX))).is_err());
        for path in ["/", "/products/a..b?x=../y", "/a%20b"] {
            assert_eq!(check(path), Ok(()), "{path:?}");
        }
    }

    #[test]
    fn a_segment_is_one_segment_whatever_it_holds() {
        for text in ["", "..", ".", "a/b", "a?b#c", "ä", "a\r\nb"] {
            let path = format!("/x/{}/y", segment(text));
            let parts: Vec<&str> = path.split('/').collect();
            assert_eq!(parts.len(), 4, "{path}");
        }
    }
}
