//! DynamoDB's errors, sorted by what to do about them
//! (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html>).

use std::error::Error;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::CancellationReason;
use onecommit_engine::{Cancellation, DatabaseError, TransientKind};

use crate::dynamodb::attribute::from_attributes;

type HttpResponse = aws_smithy_runtime_api::client::orchestrator::HttpResponse;

/// An operation's errors that may carry the row a failed condition found.
pub(crate) trait ConditionError {
    /// The row, if this is a failed condition.
    fn condition_failed(&self) -> Option<Cancellation>;
}

macro_rules! condition_errors {
    ($($module:ident::$error:ident),*) => {$(
        impl ConditionError for aws_sdk_dynamodb::operation::$module::$error {
            fn condition_failed(&self) -> Option<Cancellation> {
                match self {
                    Self::ConditionalCheckFailedException(failed) => {
                        Some(Cancellation::ConditionFailed(failed.item.clone().map(from_attributes)))
                    }
                    _ => None,
                }
            }
        }
    )*};
}

condition_errors!(
    put_item::PutItemError,
    update_item::UpdateItemError,
    delete_item::DeleteItemError
);

pub(crate) fn of_write<E>(error: SdkError<E, HttpResponse>) -> DatabaseError
where
    E: ConditionError + ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    match error.as_service_error().and_then(ConditionError::condition_failed) {
        Some(cancellation) => DatabaseError::Cancelled(vec![cancellation]),
        None => by_code(error),
    }
}

pub(crate) fn of_read<E>(error: SdkError<E, HttpResponse>) -> DatabaseError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    by_code(error)
}

pub(crate) fn of_transaction(error: SdkError<TransactWriteItemsError, HttpResponse>) -> DatabaseError {
    if let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() {
        let reasons = cancelled.cancellation_reasons();
        if !reasons.is_empty() {
            return DatabaseError::Cancelled(reasons.iter().map(cancellation).collect());
        }
    }
    by_code(error)
}

fn cancellation(reason: &CancellationReason) -> Cancellation {
    match reason.code().unwrap_or("None") {
        "None" => Cancellation::None,
        "ConditionalCheckFailed" => Cancellation::ConditionFailed(reason.item.clone().map(from_attributes)),
        "TransactionConflict" => Cancellation::Transient(TransientKind::Conflict),
        "ProvisionedThroughputExceeded" | "ThrottlingError" => Cancellation::Transient(TransientKind::Throttled),
        code => Cancellation::Invalid(match reason.message().and_then(sentence) {
            Some(known) => format!("{code}: {known}"),
            None => code.to_owned(),
        }),
    }
}

fn by_code<E>(error: SdkError<E, HttpResponse>) -> DatabaseError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let status = error.raw_response().map(|response| response.status().as_u16());
    let kind = match error.code().and_then(kind_of_code) {
        Some(kind) => Some(kind),
        None if status.is_some_and(|status| status >= 500) => Some(TransientKind::Unavailable),
        None => match &error {
            SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => {
                Some(TransientKind::Unavailable)
            }
            _ => None,
        },
    };
    let is_of_content = match error.code() {
        Some(code) => OF_CONTENT.contains(&code),
        // Never sent: the SDK itself found something wrong with it.
        None => matches!(error, SdkError::ConstructionFailure(_)),
    };
    let described = describe(&error);
    match kind {
        Some(kind) => DatabaseError::Transient(kind, described),
        None if is_of_content => DatabaseError::Rejected(described),
        None => DatabaseError::Misconfigured(described),
    }
}

/// What says something about the request. All else - no such table, no permission, credentials that are over, a key of KMS
/// that is disabled - says something about this process or its account.
const OF_CONTENT: [&str; 6] = [
    "ValidationException",
    "ValidationError",
    "SerializationException",
    "ItemCollectionSizeLimitExceededException",
    "IdempotentParameterMismatchException",
    "TransactionCanceledException",
];
/// What kind of passing trouble an error is, if it is one.
fn kind_of_code(code: &str) -> Option<TransientKind> {
    Some(match code {
        "TransactionInProgressException" | "TransactionConflictException" | "ReplicatedWriteConflictException" => {
            TransientKind::Conflict
        }
        "ProvisionedThroughputExceededException"
        | "ThrottlingException"
        | "RequestLimitExceeded"
        | "Throttling"
        | "TooManyRequestsException"
        | "LimitExceededException" => TransientKind::Throttled,
        "InternalServerError" | "InternalFailure" | "ServiceUnavailable" | "RequestTimeout" => {
            TransientKind::Unavailable
        }
        // The sender's clock is off, or its credentials have run out: the same request is right once that is mended.
        "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "RequestExpired"
        | "RequestTimeTooSkewed"
        | "ExpiredTokenException"
        | "ExpiredToken"
        | "UnrecognizedClientException" => TransientKind::Unavailable,
        _ => return None,
    })
}

/// DynamoDB's own sentences about a request that it refuses, up to where they begin to quote it. A message that begins
/// with none of them is not shown.
const SENTENCES: [&str; 12] = [
    "An operand in the update expression has an incorrect data type",
    "Cannot do operations on a non-existent table",
    "Collection size exceeded",
    "Invalid ConditionExpression",
    "Invalid KeyConditionExpression",
    "Invalid UpdateExpression",
    "Item size has exceeded",
    "Item size to update has exceeded",
    "Number overflow",
    "One or more parameter values were invalid",
    "The provided key element does not match the schema",
    "Transaction request cannot include multiple operations on one item",
];

fn sentence(message: &str) -> Option<&'static str> {
    SENTENCES.into_iter().find(|known| message.starts_with(known))
}

/// A row that was refused belongs in no log; see [`crate::session::describe`].
fn describe<E>(error: &SdkError<E, HttpResponse>) -> Box<dyn Error + Send + Sync>
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let words = crate::session::describe(error);
    match error
        .message()
        .and_then(sentence)
        .filter(|known| !words.contains(known))
    {
        Some(known) => format!("{words}: {known}").into(),
        None => words.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_row_is_not_quoted() {
        assert_eq!(
            sentence("The parameter cannot be converted to a numeric value: 4111111111111111"),
            None
        );
        let quoting = "Invalid UpdateExpression: Syntax error; token: \"ada@example.com\"";
        assert_eq!(sentence(quoting), Some("Invalid UpdateExpression"));
    }

    #[test]
    fn a_wrong_clock_is_transient() {
        for code in [
            "InvalidSignatureException",
            "RequestTimeTooSkewed",
            "ExpiredTokenException",
        ] {
            assert_eq!(kind_of_code(code), Some(TransientKind::Unavailable), "{code}");
        }
        assert_eq!(kind_of_code("ValidationException"), None);
    }
}
