//! What API Gateway asks a REQUEST authorizer
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-input.html>).

use std::collections::BTreeMap;
use std::fmt;

use onecommit_json::JsonError;
use onecommit_tokens::Credentials;
use serde::Deserialize;

/// Beyond it a header is not a credential of ours, whatever it holds.
const COPIES_MAX: usize = 1;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Request {
    method_arn: String,
    #[serde(default)]
    headers: Option<BTreeMap<String, String>>,
    #[serde(default)]
    multi_value_headers: Option<BTreeMap<String, Vec<String>>>,
}

/// A header that came more than once: which of them counts is not for us to choose.
#[derive(Debug)]
pub(crate) struct Ambiguous;

impl Request {
    pub(crate) fn read(text: &str) -> Result<Self, JsonError> {
        onecommit_json::from_str(text)
    }

    /// `arn:aws:execute-api:REGION:ACCOUNT:API/STAGE`, what the resources of its policy begin with.
    pub(crate) fn stage_arn(&self) -> Option<String> {
        let mut parts = self.method_arn.splitn(3, '/');
        let (api, stage) = (parts.next()?, parts.next()?);
        let is_plain = !api.contains('*') && !stage.contains('*') && !stage.is_empty();
        (is_plain && api.starts_with("arn:")).then(|| format!("{api}/{stage}"))
    }

    pub(crate) fn credentials(&self) -> Result<Credentials<'_>, Ambiguous> {
        Ok(Credentials {
            authorization: self.header("authorization")?,
            api_key: self.header("x-api-key")?,
        })
    }

    fn header(&self, name: &str) -> Result<Option<&str>, Ambiguous> {
        let is_named = |header: &&String| header.eq_ignore_ascii_case(name);
        let several = self.multi_value_headers.iter().flatten();
        let several = several
            .filter(|(header, _)| is_named(header))
            .map(|(_, values)| values.len());
        if several.sum::<usize>() > COPIES_MAX {
            return Err(Ambiguous);
        }
        let mut found = self.headers.iter().flatten().filter(|(header, _)| is_named(header));
        match (found.next(), found.next()) {
            (_, Some(_)) => Err(Ambiguous),
            (found, None) => Ok(found.map(|(_, value)| value.as_str())),
        }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Request(..)")
    }
}
