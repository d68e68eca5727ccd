//! HTTP, as a stranger's client speaks it.

use std::time::Duration;

use serde_json::Value;

use crate::deployment::Deployment;

/// A request that is not answered in so long never will be, however busy the machine is.
const TIMEOUT: Duration = Duration::from_secs(120);
/// A request that may be repeated is, so often, while the other side is not able to serve it: a function that was just
/// killed, a faulty wire, a machine that is busy with all other cases.
const ATTEMPTS_MAX: usize = 600;
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(500);

/// A status and a JSON body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

/// `POST /events`.
pub(crate) fn post_events(deployment: &Deployment, body: &str) -> Answer {
    post(&format!("{}/events", deployment.output("ApiUrl")), body)
}

/// Invokes the publisher, without the API before it.
pub(crate) fn invoke_publisher(deployment: &Deployment, payload: &str) -> Answer {
    invoke(deployment, deployment.output("PublisherFunctionName"), payload)
}

/// Invokes a function of this name.
pub(crate) fn invoke(deployment: &Deployment, function: &str, payload: &str) -> Answer {
    post(
        &format!("{}/2015-03-31/functions/{function}/invocations", deployment.endpoint),
        payload,
    )
}

/// Any request, with or without a JSON body, sent once.
pub(crate) fn request(method: &str, url: &str, body: Option<&Value>) -> Answer {
    try_request(method, url, body).unwrap_or_else(|error| panic!("{method} {url}: {error}"))
}

/// The same with a header `Authorization`. It may be repeated: the function behind it may be about to start.
pub(crate) fn authorized(method: &str, url: &str, authorization: Option<&str>, body: Option<&Value>) -> Answer {
    let mut last = String::new();
    for _ in 0..ATTEMPTS_MAX {
        let request = ureq::http::Request::builder().method(method).uri(url);
        let request = request.header("content-type", "application/json");
        let request = authorization
            .into_iter()
            .fold(request, |request, value| request.header("authorization", value));
        let body = body.map(Value::to_string).unwrap_or_default();
        match agent()
            .run(request.body(body).unwrap())
            .and_then(|answer| answer_of(url, answer))
        {
            Ok(answer) if answer.status < 500 => return answer,
            Ok(answer) => last = format!("{answer:?}"),
            Err(error) => last = error.to_string(),
        }
        pause();
    }
    panic!("{method} {url} was never served: {last}")
}

/// A request that changes nothing more when it is repeated, once it is served.
pub(crate) fn served(method: &str, url: &str, body: Option<&Value>) -> Answer {
    let mut last = String::new();
    for _ in 0..ATTEMPTS_MAX {
        match try_request(method, url, body) {
            Ok(answer) if answer.status < 500 => return answer,
            Ok(answer) => last = format!("{answer:?}"),
            Err(error) => last = error.to_string(),
        }
        pause();
    }
    panic!("{method} {url} was never served: {last}")
}

/// `GET` of an address.
pub(crate) fn get(url: &str) -> Answer {
    served("GET", url, None)
}

/// `PUT` of a JSON body.
pub(crate) fn put(url: &str, body: &Value) -> Answer {
    served("PUT", url, Some(body))
}

fn try_request(method: &str, url: &str, body: Option<&Value>) -> Result<Answer, ureq::Error> {
    let request = ureq::http::Request::builder().method(method).uri(url);
    let request = request.header("content-type", "application/json");
    let body = body.map(Value::to_string).unwrap_or_default();
    answer_of(url, agent().run(request.body(body).unwrap())?)
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().http_status_as_error(false);
    config.timeout_global(Some(TIMEOUT)).build().into()
}

#[allow(clippy::disallowed_methods, reason = "there is no event to wait for")]
fn pause() {
    std::thread::sleep(BETWEEN_ATTEMPTS);
}

fn post(url: &str, body: &str) -> Answer {
    let request = agent().post(url).content_type("application/json");
    let answer = request.send(body).and_then(|answer| answer_of(url, answer));
    answer.unwrap_or_else(|error| panic!("POST {url}: {error}"))
}

/// What is not JSON comes from before the function, which was then not able to answer.
fn answer_of(url: &str, mut answer: ureq::http::Response<ureq::Body>) -> Result<Answer, ureq::Error> {
    let (status, text) = (answer.status().as_u16(), answer.body_mut().read_to_string()?);
    let body = match serde_json::from_str(&text) {
        Ok(body) => body,
        Err(_) if status >= 500 => Value::String(text),
        Err(_) => panic!("{url} answered {status}, and no JSON: {text}"),
    };
    Ok(Answer { status, body })
}
