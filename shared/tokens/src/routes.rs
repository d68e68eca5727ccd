//! Which scopes a route needs.

use std::fmt;

use crate::principal::Principal;
use crate::refusal::Refusal;
use crate::scope::Scopes;

/// A route of an API, and the scopes it needs.
#[derive(Clone, PartialEq, Eq)]
pub struct Route {
    method: String,
    parts: Vec<Part>,
    demanded: Scopes,
}

#[derive(Clone, PartialEq, Eq)]
enum Part {
    /// This text.
    Text(String),
    /// Whatever the caller writes, without a slash.
    Any,
}

/// The routes of one or more APIs with the scopes they need. What is not listed is not allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routes(Vec<Route>);

/// A table of routes that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRoutes {
    /// A line that is not a route.
    #[error("route {0} is not of the form METHOD /path/{{parameter}} SCOPE [SCOPE..]")]
    Malformed(usize),
    /// A policy of API Gateway that allows the one allows the other, too, for somebody without its scopes.
    #[error("{wide} cannot be told from {narrow} in a policy, and they need different scopes; give them the same")]
    Overlap {
        /// The route whose parameter matches the other.
        wide: String,
        /// The other.
        narrow: String,
    },
}

impl Routes {
    /// Routes, one in a line or with `;` between them: `GET /products/{sku} catalog:read`.
    ///
    /// # Errors
    /// When a line is not of this form, or two routes that need different scopes cannot be told apart in a policy of API
    /// Gateway, whose `*` takes slashes, too.
    pub fn parse(text: &str) -> Result<Self, InvalidRoutes> {
        let lines = text.split([';', '\n']).map(str::trim).filter(|line| !line.is_empty());
        let routes = lines
            .enumerate()
            .map(|(index, line)| Route::parse(line).ok_or(InvalidRoutes::Malformed(index + 1)));
        let routes: Vec<Route> = routes.collect::<Result<_, _>>()?;
        for wide in &routes {
            let narrow = routes
                .iter()
                .find(|narrow| wide.takes_too(narrow) && wide.demanded != narrow.demanded);
            if let Some(narrow) = narrow {
                return Err(InvalidRoutes::Overlap {
                    wide: wide.to_string(),
                    narrow: narrow.to_string(),
                });
            }
        }
        Ok(Self(routes))
    }

    /// The routes that the principal may use.
    pub fn allowed_to<'a>(&'a self, principal: &'a Principal) -> impl Iterator<Item = &'a Route> {
        self.0.iter().filter(|route| principal.scopes().cover(&route.demanded))
    }

    /// Demands the scopes of a request's route.
    ///
    /// # Errors
    /// [`Refusal::InsufficientScope`] when the principal lacks one, or no such route is listed.
    pub fn demand(&self, principal: &Principal, method: &str, path: &str) -> Result<(), Refusal> {
        match self.0.iter().find(|route| route.matches(method, path)) {
            Some(route) => principal.demand(&route.demanded),
            None => Err(Refusal::InsufficientScope {
                demanded: Scopes::none(),
            }),
        }
    }

    /// Whether no route is listed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Route {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let (method, path) = (words.next()?, words.next()?);
        let is_method = method.bytes().all(|byte| byte.is_ascii_uppercase());
        let parts = path
            .strip_prefix('/')?
            .split('/')
            .map(Part::parse)
            .collect::<Option<_>>()?;
        let demanded = Scopes::of(words).ok().filter(|demanded| !demanded.is_empty())?;
        is_method.then(|| Self {
            method: method.to_owned(),
            parts,
            demanded,
        })
    }

    /// The scopes that it needs.
    #[must_use]
    pub fn demanded(&self) -> &Scopes {
        &self.demanded
    }

    /// The route as the end of a resource in a policy of API Gateway: `GET/products/*`.
    #[must_use]
    pub fn resource(&self) -> String {
        let parts: Vec<&str> = self.parts.iter().map(Part::pattern).collect();
        format!("{}/{}", self.method, parts.join("/"))
    }

    fn matches(&self, method: &str, path: &str) -> bool {
        let mut written = path.trim_start_matches('/').split('/');
        let is_same = self.parts.iter().all(|part| match (part, written.next()) {
            (Part::Any, Some(written)) => !written.is_empty(),
            (Part::Text(text), Some(written)) => text == written,
            (_, None) => false,
        });
        self.method == method && is_same && written.next().is_none()
    }

    /// Whether the pattern of this route, in which a parameter takes slashes, too, can take a request of the other.
    fn takes_too(&self, other: &Self) -> bool {
        self.method == other.method && self.parts != other.parts && overlap(&self.parts, &other.parts)
    }
}

/// Whether some path of `narrow` is taken by `wide`, whose parameters take one part or more.
fn overlap(wide: &[Part], narrow: &[Part]) -> bool {
    match (wide, narrow) {
        ([], []) => true,
        ([], _) | (_, []) => false,
        ([Part::Any, rest @ ..], [_, others @ ..]) => overlap(rest, others) || overlap(wide, others),
        ([Part::Text(text), rest @ ..], [Part::Text(other), others @ ..]) => text == other && overlap(rest, others),
        ([Part::Text(_), rest @ ..], [Part::Any, others @ ..]) => overlap(rest, others),
    }
}

impl Part {
    fn parse(text: &str) -> Option<Self> {
        if let Some(name) = text.strip_prefix('{') {
            return name.strip_suffix('}').filter(|name| is_plain(name)).map(|_| Self::Any);
        }
        is_plain(text).then(|| Self::Text(text.to_owned()))
    }

    fn pattern(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Any => "*",
        }
    }
}

/// What means itself in a policy.
fn is_plain(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    !text.is_empty() && text.bytes().all(is_allowed)
}

impl fmt::Display for Route {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.resource())
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self} {}", self.demanded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::principal::PrincipalKind;

    fn principal(scopes: &str) -> Principal {
        Principal {
            kind: PrincipalKind::Service,
            subject: "orders".to_owned(),
            scopes: Scopes::parse(scopes).unwrap(),
            key_id: None,
            requests_per_minute: None,
            until: None,
        }
    }

    const TABLE: &str = "GET /products/{sku} catalog:read; GET /products catalog:read
        PUT /products/{sku} catalog:write";

    #[test]
    fn a_principal_is_allowed_every_route_of_its_scopes_and_no_other() {
        let routes = Routes::parse(TABLE).unwrap();
        let reader = principal("catalog:read");
        let allowed: Vec<String> = routes.allowed_to(&reader).map(Route::resource).collect();
        assert_eq!(allowed, ["GET/products/*", "GET/products"]);
        assert!(routes.demand(&reader, "GET", "/products/tea-1").is_ok());
        let refused = routes.demand(&reader, "PUT", "/products/tea-1").unwrap_err();
        assert!(
            refused
                .www_authenticate("x")
                .unwrap()
                .contains("scope=\"catalog:write\"")
        );
        for (method, path) in [
            ("GET", "/products/tea/x"),
            ("DELETE", "/products/tea"),
            ("GET", "/products/"),
            ("GET", "/"),
        ] {
            assert_eq!(
                routes.demand(&reader, method, path).unwrap_err().status(),
                403,
                "{path}"
            );
        }
    }

    #[test]
    fn lines_that_are_no_routes_are_refused_by_number() {
        for line in [
            "GET",
            "GET products a",
            "get /products a",
            "GET /products",
            "GET /a*b a",
            "GET /{ a",
            "GET /a//b a",
        ] {
            let table = format!("GET /ok a\n{line}");
            assert_eq!(Routes::parse(&table), Err(InvalidRoutes::Malformed(2)), "{line}");
        }
    }

    #[test]
    fn routes_that_a_policy_cannot_tell_apart_need_the_same_scopes() {
        let table = "GET /orders/{id} orders:read; GET /orders/{id}/payments payments:read";
        let error = Routes::parse(table).unwrap_err();
        assert!(matches!(error, InvalidRoutes::Overlap { .. }), "{error}");
        let table = "GET /orders/{id} orders:read; GET /orders/{id}/lines orders:read; PUT /orders/{id}/lines x";
        assert!(Routes::parse(table).is_ok());
        let table = "GET /orders/new orders:write; GET /orders/{id} orders:read";
        assert!(Routes::parse(table).is_err());
    }
}
