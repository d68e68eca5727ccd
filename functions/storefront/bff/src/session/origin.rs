use axum::http::header::{HOST, HeaderMap, HeaderName, ORIGIN};
use axum::http::uri::{Authority, Scheme, Uri};

/// This site's own origin: what a browser writes into `Origin` when one of its pages sends something.
#[derive(Clone, Debug, Default)]
pub struct Origin(Option<String>);

/// A text that is not an origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an origin such as https://shop.example, without a path")]
pub struct InvalidOrigin(());

impl Origin {
    /// A known one, such as `https://shop.example`.
    ///
    /// # Errors
    /// When it is none.
    pub fn new(text: &str) -> Result<Self, InvalidOrigin> {
        let origin = text.trim_end_matches('/').to_ascii_lowercase();
        parts_of(&origin).ok_or(InvalidOrigin(()))?;
        Ok(Self(Some(origin)))
    }

    /// The host that a request names, over TLS; over plain HTTP on this machine alone. No page of another site can make a
    /// browser name another host than the one that it sends to.
    #[must_use]
    pub fn of_host() -> Self {
        Self(None)
    }

    /// Whether a request says that a page of this site sent it.
    pub(super) fn is_named_by(&self, headers: &HeaderMap) -> bool {
        let Some(named) = only(headers, ORIGIN).map(str::to_ascii_lowercase) else {
            return false;
        };
        if let Some(own) = &self.0 {
            return *own == named;
        }
        let (Some((scheme, authority)), Some(host)) = (parts_of(&named), only(headers, HOST)) else {
            return false;
        };
        let is_safe = scheme == Scheme::HTTPS || is_this_machine(authority.host());
        is_safe && authority.as_str().eq_ignore_ascii_case(host)
    }
}

/// A header that came once.
fn only(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

fn parts_of(origin: &str) -> Option<(Scheme, Authority)> {
    let parts = origin.parse::<Uri>().ok()?.into_parts();
    let (scheme, authority) = (parts.scheme?, parts.authority?);
    let is_http = [Scheme::HTTP, Scheme::HTTPS].contains(&scheme);
    // Nothing but the two: a path, a query or a user makes it something else.
    let is_whole = origin == format!("{scheme}://{authority}") && !authority.as_str().contains('@');
    (is_http && is_whole).then_some((scheme, authority))
}

fn is_this_machine(host: &str) -> bool {
    ["127.0.0.1", "localhost", "[::1]"].contains(&host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_own(origin: &Origin, named: &[&str], host: &str) -> bool {
        let mut headers = HeaderMap::new();
        for named in named {
            headers.append(ORIGIN, named.parse().unwrap());
        }
        headers.insert(HOST, host.parse().unwrap());
        origin.is_named_by(&headers)
    }

    #[test]
    fn only_this_sites_origin_is_its_own() {
        let of_host = Origin::of_host();
        assert!(is_own(&of_host, &["https://shop.example"], "shop.example"));
        assert!(is_own(&of_host, &["http://127.0.0.1:8700"], "127.0.0.1:8700"));
        for (named, host) in [
            ("http://shop.example", "shop.example"),
            ("https://evil.example", "shop.example"),
            ("https://shop.example.evil.example", "shop.example"),
            ("https://shop.example:8443", "shop.example"),
            ("http://127.0.0.1:8701", "127.0.0.1:8700"),
            ("null", "shop.example"),
            ("https://shop.example/", "shop.example"),
            ("https://a@shop.example", "shop.example"),
            ("ftp://shop.example", "shop.example"),
        ] {
            assert!(!is_own(&of_host, &[named], host), "{named}");
        }
        assert!(!is_own(&of_host, &[], "shop.example"));
        let twice = ["https://shop.example", "https://shop.example"];
        assert!(!is_own(&of_host, &twice, "shop.example"));
    }

    #[test]
    fn a_known_origin_counts_whatever_the_host() {
        let known = Origin::new("https://Shop.example/").unwrap();
        assert!(is_own(&known, &["https://shop.example"], "10.0.0.1"));
        assert!(!is_own(&known, &["https://10.0.0.1"], "10.0.0.1"));
        for text in ["", "shop.example", "https://shop.example/a", "https://a@b", "data:x"] {
            assert!(Origin::new(text).is_err(), "{text}");
        }
    }
}
