//! Invocations that are one JSON value each, answered by one.

use std::error::Error as StdError;
use std::future::Future;
use std::time::Duration;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use onecommit_environment::Environment;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::batch::remaining;
use crate::invocation::{Invoked, Trigger, in_span};

/// Before the invocation ends, whoever invoked is told so.
const TIME_TO_ANSWER: Duration = Duration::from_millis(200);

/// Serves invocations whose payload is JSON text, each answered by a value or an error, until the environment ends. The
/// words of an error become the invocation's `errorMessage`, unchanged.
///
/// # Errors
/// When the Lambda runtime API cannot be reached.
pub async fn serve_requests<A, E, F>(environment: Environment, answer: impl Fn(String) -> F) -> Result<(), Error>
where
    A: Serialize,
    E: StdError + Send + Sync + 'static,
    F: Future<Output = Result<A, E>>,
{
    let (environment, answer) = (&environment, &answer);
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Box<RawValue>>| async move {
        let limit = remaining(&event.context, environment).saturating_sub(TIME_TO_ANSWER);
        let answering = environment.within(limit, answer(event.payload.get().to_owned()));
        match in_span(environment, &Invoked::by(&event.context), Trigger::Caller, answering).await {
            Some(Ok(value)) => Ok(value),
            Some(Err(error)) => Err(Error::from(error)),
            None => Err(Error::from("the invocation timed out")),
        }
    }))
    .await
}
