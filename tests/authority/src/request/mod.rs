//! What an HTTP request to AWS does: which actions on which resources, and what conditions may look at.

mod dynamodb;
mod events;
mod expression;
mod json;
mod kms;
mod partiql;
mod query;
mod s3;
mod sqs;

use std::collections::BTreeMap;

use serde::Deserialize;
use thiserror::Error;

pub(crate) use s3::may_know_of_absence;

use crate::call::Call;

/// A request that is not recognised. It is refused: what it does is not known.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{0}")]
pub struct Unrecognised(pub String);

/// An HTTP request, as far as it is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// `GET`, `POST` ...
    pub method: &'a str,
    /// Without the query.
    pub path: &'a str,
    /// After the `?`.
    pub query: &'a str,
    /// The header `authorization`.
    pub authorization: &'a str,
    /// The header `x-amz-target`, empty if there is none.
    pub target: &'a str,
    /// All of the body.
    pub body: &'a [u8],
}

/// Partition keys of a table.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
pub struct Table {
    /// Of the table itself.
    pub key: String,
    /// Of its indexes, by their names.
    pub indexes: BTreeMap<String, String>,
}

/// What has to be known of an account to read its requests.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// Twelve digits.
    pub id: String,
    /// Its tables, by their names.
    pub tables: BTreeMap<String, Table>,
}

/// Service and calls of a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Recognised {
    /// As requests are signed for it, such as `dynamodb`.
    pub service: String,
    /// All of them have to be granted.
    pub calls: Vec<Call>,
}

/// Where a request is for, by what it is signed for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Scope {
    /// The region.
    pub region: String,
    /// The service's name for signing.
    pub service: String,
}

impl Scope {
    /// Reads `AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, ...`.
    ///
    /// # Errors
    /// When a request is not signed like that.
    pub fn of(authorization: &str) -> Result<Self, Unrecognised> {
        let credential = authorization
            .split(['=', ','])
            .skip_while(|part| !part.trim_end().ends_with("Credential"))
            .nth(1);
        let parts: Vec<&str> = credential.unwrap_or_default().split('/').collect();
        match parts[..] {
            [_, _, region, service, "aws4_request"] => Ok(Self {
                region: region.to_owned(),
                service: service.to_owned(),
            }),
            _ => Err(Unrecognised("the request has no SigV4 signature".to_owned())),
        }
    }
}

/// Makes ARNs of names.
struct Names<'a> {
    scope: &'a Scope,
    account: &'a Account,
}

impl Names<'_> {
    fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:aws:{service}:{}:{}:{resource}", self.scope.region, self.account.id)
    }
}

/// Reads a request.
///
/// # Errors
/// When any part of it is not understood: service, operation, or a parameter that decides what it is for.
pub fn recognise(account: &Account, request: &Request<'_>) -> Result<Recognised, Unrecognised> {
    let scope = Scope::of(request.authorization)?;
    let names = Names { scope: &scope, account };
    let calls = match scope.service.as_str() {
        "dynamodb" => dynamodb::calls(&names, request)?,
        "sqs" => sqs::calls(&names, request)?,
        "events" => events::calls(&names, request)?,
        "sns" => query::sns(request)?,
        "ses" => query::ses(&names, request)?,
        "s3" => s3::calls(request)?,
        "kms" => kms::calls(&names, request)?,
        // No function has to learn who it is, or to be somebody else.
        "sts" => return Err(Unrecognised("a function asks STS, and none has a reason to".to_owned())),
        other => {
            return Err(Unrecognised(format!(
                "requests to the service `{other}` are not evaluated here"
            )));
        }
    };
    if calls.is_empty() {
        return Err(Unrecognised(format!("a request to {} does nothing", scope.service)));
    }
    Ok(Recognised {
        service: scope.service,
        calls,
    })
}

fn unknown_operation(service: &str, operation: &str) -> Unrecognised {
    Unrecognised(format!(
        "the operation `{operation}` of {service} is not evaluated here"
    ))
}

#[cfg(test)]
mod tests;
