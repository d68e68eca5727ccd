//! The answer of a REQUEST authorizer: a policy, and what the function behind the API is told of the caller.

use onecommit_tokens::{Principal, Routes};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// What API Gateway keeps for the credential, for up to a minute, and holds every request against.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    principal_id: String,
    policy_document: Value,
    /// Texts only: API Gateway accepts nothing else.
    context: Map<String, Value>,
}

impl Answer {
    /// Every route that the principal may use, not only the one that is asked for: the answer is kept, and the next request
    /// with the same credential may be for another route. What is not listed is denied by not being there.
    pub(crate) fn of(principal: &Principal, routes: &Routes, stage_arn: &str) -> Self {
        let resources = routes
            .allowed_to(principal)
            .map(|route| format!("{stage_arn}/{}", route.resource()));
        let resources: Vec<String> = resources.collect();
        // A policy needs a statement. Without any route, that is one that denies what is denied anyway.
        let statement = match resources.is_empty() {
            true => json!({"Action": "execute-api:Invoke", "Effect": "Deny", "Resource": [format!("{stage_arn}/*")]}),
            false => json!({"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": resources}),
        };
        Self {
            principal_id: principal.subject().to_owned(),
            policy_document: json!({"Version": "2012-10-17", "Statement": [statement]}),
            context: context_of(principal),
        }
    }
}

fn context_of(principal: &Principal) -> Map<String, Value> {
    let texts = [
        ("kind", Some(principal.kind().name().to_owned())),
        ("subject", Some(principal.subject().to_owned())),
        ("scopes", Some(principal.scopes().to_string())),
        ("keyId", principal.key_id().map(str::to_owned)),
        (
            "requestsPerMinute",
            principal.requests_per_minute().map(|rate| rate.to_string()),
        ),
    ];
    let texts = texts
        .into_iter()
        .filter_map(|(name, text)| Some((name.to_owned(), Value::String(text?))));
    texts.collect()
}
