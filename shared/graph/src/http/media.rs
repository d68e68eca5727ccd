use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_TYPE};

/// The media type of an answer. It decides about the status, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    /// `application/graphql-response+json`: a request that is refused has an error status.
    Response,
    /// `application/json`, as older clients ask for: anything that is a GraphQL request is answered with 200.
    Json,
}

impl Media {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Response => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        }
    }
}

/// The media type that the caller prefers; nothing when it accepts neither.
pub(super) fn accepted(headers: &HeaderMap) -> Option<Media> {
    let mut best: Option<(f32, Media)> = None;
    let mut says_something = false;
    for value in headers.get_all(ACCEPT) {
        for range in value.to_str().unwrap_or_default().split(',') {
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default().to_ascii_lowercase();
            if name.is_empty() {
                continue;
            }
            says_something = true;
            let weight = parts.find_map(|parameter| parameter.strip_prefix("q="));
            let weight = weight.map_or(Ok(1.0), str::parse::<f32>).unwrap_or(0.0);
            let media = match name.as_str() {
                "application/graphql-response+json" => Media::Response,
                "application/json" | "application/*" | "*/*" => Media::Json,
                _ => continue,
            };
            // Of two that are as welcome, the first one counts.
            if weight > 0.0 && best.is_none_or(|(most, _)| weight > most) {
                best = Some((weight, media));
            }
        }
    }
    match best {
        Some((_, media)) => Some(media),
        None if says_something => None,
        None => Some(Media::Json),
    }
}

/// Whether the body of a request is JSON in UTF-8, by its content type.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let named = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let mut parts = named
        .unwrap_or_default()
        .split(';')
        .map(|part| part.trim().to_ascii_lowercase());
    let is_json = parts.next().as_deref() == Some("application/json");
    let charset = parts.find_map(|part| {
        part.strip_prefix("charset=")
            .map(|name| name.trim_matches('"').to_owned())
    });
    is_json && charset.is_none_or(|charset| charset == "utf-8")
}
