//! A bounded context as one function: its queue, its API and its schedule, distinguished by the shape of the input.

use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::event::apigw::ApiGatewayProxyResponse;
use aws_lambda_events::event::sqs::SqsBatchResponse;
use axum::Router;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use onecommit_engine::{Deadline, Engine, Queue};
use onecommit_json::Object;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::api::ProxyApi;
use crate::consumer::handle_batch;
use crate::deliveries::deliveries_of;
use crate::invocation::{Invoked, Last, Trigger, in_span, written};

/// What a schedule asks for: `{"task": "expireReservations"}`.
#[derive(Clone, Debug)]
pub struct ScheduledTask {
    /// Its name.
    pub name: String,
    /// When the invocation ends.
    pub deadline: Deadline,
}

/// For a context that has no schedule: every task is an error.
///
/// # Errors
/// Always.
pub async fn no_tasks(task: ScheduledTask) -> Result<Value, Error> {
    Err(unknown_task(&task))
}

/// The error of a task that a context does not know. The invocation fails with it, which an alarm shows.
#[must_use]
pub fn unknown_task(task: &ScheduledTask) -> Error {
    format!(
        "there is no task {:?}; compare with what the schedule in the template sends",
        task.name
    )
    .into()
}

/// Serves a bounded context until the environment ends: SQS batches go to `engine`, REST API proxy requests to `api`,
/// `{"task": "..."}` to `scheduled`, whose answer is the invocation's.
///
/// The event source mapping has to have `ReportBatchItemFailures` on. Errors of `api` are made JSON
/// ([`onecommit_http::json_errors`]); bodies over 1 MiB are refused.
///
/// # Errors
/// When the Lambda runtime API cannot be reached.
pub async fn serve_context<S, F>(
    engine: Engine,
    queue: impl Queue + 'static,
    api: Router,
    scheduled: S,
) -> Result<(), Error>
where
    S: Fn(ScheduledTask) -> F,
    F: Future<Output = Result<Value, Error>>,
{
    serve_context_until(engine, queue, api, scheduled, Last::nothing()).await
}

/// Like [`serve_context`], with something to do at the end of each invocation.
///
/// # Errors
/// When the Lambda runtime API cannot be reached.
pub async fn serve_context_until<S, F>(
    engine: Engine,
    queue: impl Queue + 'static,
    api: Router,
    scheduled: S,
    last: Last,
) -> Result<(), Error>
where
    S: Fn(ScheduledTask) -> F,
    F: Future<Output = Result<Value, Error>>,
{
    let function = Arc::new(ContextFunction {
        engine,
        queue: Box::new(queue),
        api: ProxyApi::new(api),
        scheduled,
        last,
    });
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Box<RawValue>>| {
        let function = Arc::clone(&function);
        async move {
            let now_ms = u64::try_from(function.engine.environment().clock().now().unix_ms()).unwrap_or(0);
            let remaining = Duration::from_millis(event.context.deadline.saturating_sub(now_ms));
            let invoked = Invoked::by(&event.context);
            function.serve(event.payload.get(), &invoked, remaining).await
        }
    }))
    .await
}

struct ContextFunction<S> {
    engine: Engine,
    queue: Box<dyn Queue>,
    api: ProxyApi,
    scheduled: S,
    last: Last,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Answer {
    Batch(SqsBatchResponse),
    Api(Box<ApiGatewayProxyResponse>),
    Task(Value),
}

impl<S, F> ContextFunction<S>
where
    S: Fn(ScheduledTask) -> F,
    F: Future<Output = Result<Value, Error>>,
{
    /// Whatever became of the invocation, what is done last is done.
    async fn serve(&self, request: &str, invoked: &Invoked, remaining: Duration) -> Result<Answer, Error> {
        let answer = self.invoke(request, invoked, remaining).await;
        self.last.done().await;
        answer
    }

    async fn invoke(&self, request: &str, invoked: &Invoked, remaining: Duration) -> Result<Answer, Error> {
        let environment = self.engine.environment();
        // What tells invocations apart. A proxy request is read whole only when it is one.
        let invocation = Object::of_text(request)?;
        if invocation.get("Records").is_some() {
            let deliveries = deliveries_of(request)?;
            let handling = handle_batch(&self.engine, &*self.queue, deliveries, remaining);
            let answer = in_span(environment, invoked, Trigger::Messages, handling).await;
            return Ok(Answer::Batch(answer));
        }
        if invocation.get("httpMethod").is_some() {
            let answer = written(environment, self.api.answer(request, environment, remaining)).await;
            return Ok(Answer::Api(Box::new(answer)));
        }
        if let Some(name) = invocation.get("task") {
            let name = onecommit_json::from_raw(name).map_err(|error| error.inside("task"))?;
            let deadline = Deadline::after(remaining, environment.clock());
            let working = (self.scheduled)(ScheduledTask { name, deadline });
            let answer = in_span(environment, invoked, Trigger::Schedule, working).await?;
            return Ok(Answer::Task(answer));
        }
        Err("the input is neither a batch of SQS records, nor an API Gateway proxy request, nor {\"task\": ...}".into())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::extract::{Path, Query};
    use axum::response::AppendHeaders;
    use axum::routing::{get, post};
    use onecommit_engine::{Commit, Consumer, Failure, Key, Ledger, Table};
    use onecommit_environment::Environment;
    use onecommit_event::{Event, Payload};
    use onecommit_testing::{MemoryDatabase, MemoryQueue, an_event};
    use serde_json::json;

    use super::*;

    #[derive(Serialize, serde::Deserialize)]
    struct ParcelShipped {}

    impl Payload for ParcelShipped {
        const EVENT_TYPE: &'static str = "ParcelShipped";
    }

    async fn ship(event: Event<ParcelShipped>) -> Result<Commit, Failure> {
        let row = Table::new("parcels").update(Key::new("pk", event.aggregate().id()));
        Ok(Commit::of(row.set("shipped", true)))
    }

    async fn echo(Path(id): Path<String>, Query(query): Query<Vec<(String, String)>>, body: String) -> String {
        format!("{id} {query:?} {body}")
    }

    async fn crash() -> &'static str {
        panic!("a fault of this handler")
    }

    fn router() -> Router {
        let two_values = || async { (AppendHeaders([("x-part", "1"), ("x-part", "2")]), vec![0xff_u8, 0x00]) };
        Router::new()
            .route("/parcels/{id}", post(echo))
            .route("/crash", get(crash))
            .route("/binary", get(two_values))
    }

    struct Kit {
        database: Arc<MemoryDatabase>,
        answers: Box<dyn AsyncInvoke>,
        ended: Arc<AtomicUsize>,
    }

    #[async_trait::async_trait(?Send)]
    trait AsyncInvoke {
        async fn ask(&self, request: String) -> Result<Value, String>;
    }

    #[async_trait::async_trait(?Send)]
    impl<S, F> AsyncInvoke for ContextFunction<S>
    where
        S: Fn(ScheduledTask) -> F,
        F: Future<Output = Result<Value, Error>>,
    {
        async fn ask(&self, request: String) -> Result<Value, String> {
            let answer = self.serve(&request, &Invoked::default(), Duration::from_secs(10)).await;
            answer
                .map(|answer| serde_json::to_value(answer).unwrap())
                .map_err(|error| error.to_string())
        }
    }

    fn kit() -> Kit {
        let database = Arc::new(MemoryDatabase::default());
        let consumer = Consumer::named("parcels").atomic(ship);
        let ledger = Ledger::new(Table::new("ledger"));
        let engine = Engine::new(consumer, database.clone(), ledger, Environment::system());
        let ended = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&ended);
        let answers = ContextFunction {
            engine,
            queue: Box::new(MemoryQueue::default()),
            api: ProxyApi::new(router()),
            scheduled: |task: ScheduledTask| async move {
                match task.name.as_str() {
                    "count" => Ok(json!({"counted": 3})),
                    _ => Err(unknown_task(&task)),
                }
            },
            last: Last::of(move || {
                counted.fetch_add(1, Ordering::Relaxed);
                std::future::ready(())
            }),
        };
        Kit {
            database,
            answers: Box::new(answers),
            ended,
        }
    }

    impl Kit {
        async fn ask(&self, request: Value) -> Result<Value, String> {
            self.answers.ask(request.to_string()).await
        }
    }

    /// As API Gateway sends it, shortened.
    fn proxy_request(method: &str, path: &str, body: Option<&str>) -> Value {
        json!({
            "resource": "/{proxy+}", "path": path, "httpMethod": method,
            "headers": {"Content-Type": "text/plain", "Host": "api"},
            "multiValueHeaders": {"Content-Type": ["text/plain"], "Host": ["api"]},
            "queryStringParameters": null, "multiValueQueryStringParameters": null,
            "pathParameters": null, "stageVariables": null,
            "requestContext": {
                "accountId": "000000000000", "resourceId": "r", "stage": "dev", "requestId": "1", "apiId": "a",
                "path": format!("/dev{path}"), "httpMethod": method, "protocol": "HTTP/1.1", "resourcePath": "/",
                "identity": {"sourceIp": "127.0.0.1", "userAgent": "test"},
            },
            "body": body, "isBase64Encoded": false,
        })
    }

    fn error_of(answer: &Value) -> Value {
        serde_json::from_str(answer["body"].as_str().unwrap()).unwrap()
    }

    #[tokio::test]
    async fn a_batch_goes_to_the_engine_and_only_what_failed_comes_back() {
        let kit = kit();
        let shipped = an_event("Parcel", "p-1", ParcelShipped {});
        let record = |id: &str, body: String| {
            json!({"messageId": id, "receiptHandle": id, "body": body, "attributes": {}, "messageAttributes": {},
                   "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-west-1:0:q", "awsRegion": "eu-west-1"})
        };
        let batch = json!({"Records": [record("m-1", shipped.to_json()), record("m-2", "{".to_owned())]});
        kit.database
            .fail_next(onecommit_engine::DatabaseError::Rejected("no permission".into()));
        let answer = kit.ask(batch.clone()).await.unwrap();
        assert_eq!(answer["batchItemFailures"], json!([{"itemIdentifier": "m-1"}]));
        let answer = kit.ask(batch).await.unwrap();
        assert_eq!(answer["batchItemFailures"], json!([]));
        assert!(kit.database.row("parcels", &["p-1"]).is_some());
    }

    #[tokio::test]
    async fn a_proxy_request_goes_to_the_router_with_its_path_query_and_body() {
        let mut request = proxy_request("POST", "/parcels/p-1", Some("heavy"));
        request["queryStringParameters"] = json!({"tag": "b c"});
        request["multiValueQueryStringParameters"] = json!({"tag": ["a", "b c"]});
        let answer = kit().ask(request).await.unwrap();
        assert_eq!(answer["statusCode"], 200, "{answer}");
        assert_eq!(answer["body"], r#"p-1 [("tag", "a"), ("tag", "b c")] heavy"#);
        assert_eq!(answer["isBase64Encoded"], false);
    }

    #[tokio::test]
    async fn a_body_in_base64_is_decoded_and_one_that_is_none_is_refused() {
        let kit = kit();
        let mut request = proxy_request("POST", "/parcels/p-1", Some("aGVhdnk="));
        request["isBase64Encoded"] = json!(true);
        let answer = kit.ask(request.clone()).await.unwrap();
        assert_eq!(answer["body"], "p-1 [] heavy");
        request["body"] = json!("%%%");
        let answer = kit.ask(request).await.unwrap();
        assert_eq!(
            (&answer["statusCode"], &error_of(&answer)["error"]),
            (&json!(400), &json!("badRequest"))
        );
    }

    #[tokio::test]
    async fn whatever_is_wrong_with_a_request_is_answered_in_json() {
        let kit = kit();
        let large = "x".repeat(1024 * 1024 + 1);
        let mut broken_header = proxy_request("GET", "/crash", None);
        broken_header["multiValueHeaders"] = json!({"x-broken": ["a\nb"]});
        for (request, status, code) in [
            (proxy_request("GET", "/nowhere", None), 404, "notFound"),
            (proxy_request("DELETE", "/crash", None), 405, "methodNotAllowed"),
            (
                proxy_request("POST", "/parcels/p-1", Some(&large)),
                413,
                "payloadTooLarge",
            ),
            (proxy_request("GET", "/no path", None), 400, "badRequest"),
            (broken_header, 400, "badRequest"),
            (json!({"httpMethod": 7}), 400, "badRequest"),
            (proxy_request("GET", "/crash", None), 500, "internal"),
        ] {
            let answer = kit.ask(request).await.unwrap();
            assert_eq!(answer["statusCode"], status, "{answer}");
            assert_eq!(
                answer["headers"]["content-type"], "application/problem+json",
                "{answer}"
            );
            assert_eq!(error_of(&answer)["error"], code, "{answer}");
        }
    }

    #[tokio::test]
    async fn a_binary_answer_is_base64_and_repeated_headers_are_kept() {
        let answer = kit().ask(proxy_request("GET", "/binary", None)).await.unwrap();
        assert_eq!(
            (&answer["body"], &answer["isBase64Encoded"]),
            (&json!("/wA="), &json!(true))
        );
        assert_eq!(answer["multiValueHeaders"]["x-part"], json!(["1", "2"]));
    }

    #[tokio::test(start_paused = true)]
    async fn a_handler_that_hangs_is_answered_before_the_invocation_ends() {
        let hanging = Router::new().route("/", get(std::future::pending::<&'static str>));
        let environment = Environment::system();
        let request = proxy_request("GET", "/", None).to_string();
        let api = ProxyApi::new(hanging);
        let answer = api.answer(&request, &environment, Duration::from_secs(10)).await;
        assert_eq!(answer.status_code, 503);
    }

    #[tokio::test]
    async fn a_task_is_answered_and_an_unknown_one_fails_the_invocation_by_name() {
        let kit = kit();
        assert_eq!(kit.ask(json!({"task": "count"})).await, Ok(json!({"counted": 3})));
        let error = kit.ask(json!({"task": "dance"})).await.unwrap_err();
        assert!(error.contains("dance"), "{error}");
    }

    #[tokio::test]
    async fn what_is_done_last_is_done_once_in_each_invocation_whatever_becomes_of_it() {
        let kit = kit();
        for request in [
            proxy_request("GET", "/crash", None),
            json!({"task": "count"}),
            json!({"task": "tidy"}),
        ] {
            let before = kit.ended.load(Ordering::Relaxed);
            drop(kit.ask(request).await);
            assert_eq!(kit.ended.load(Ordering::Relaxed), before + 1);
        }
    }

    #[tokio::test]
    async fn what_has_no_known_shape_fails_the_invocation() {
        let sns = json!({"Records": [{"EventSource": "aws:sns", "Sns": {"Message": "{}"}}]});
        for request in [json!({}), json!({"detail": {}}), json!([]), json!({"task": 7}), sns] {
            assert!(kit().ask(request.clone()).await.is_err(), "{request}");
        }
    }
}
