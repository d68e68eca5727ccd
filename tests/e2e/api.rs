//! HTTP, as a stranger's client speaks it.

use serde_json::Value;

use crate::deployment::Deployment;

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

/// Any request, with or without a JSON body.
pub(crate) fn request(method: &str, url: &str, body: Option<&Value>) -> Answer {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let request = ureq::http::Request::builder().method(method).uri(url);
    let request = request.header("content-type", "application/json");
    let body = body.map(Value::to_string).unwrap_or_default();
    answer_of(url, agent.run(request.body(body).unwrap()).unwrap())
}

/// `GET` of an address.
pub(crate) fn get(url: &str) -> Answer {
    request("GET", url, None)
}

/// `PUT` of a JSON body.
pub(crate) fn put(url: &str, body: &Value) -> Answer {
    request("PUT", url, Some(body))
}

fn post(url: &str, body: &str) -> Answer {
    let request = ureq::post(url)
        .config()
        .http_status_as_error(false)
        .build()
        .content_type("application/json");
    answer_of(url, request.send(body).unwrap())
}

fn answer_of(url: &str, mut answer: ureq::http::Response<ureq::Body>) -> Answer {
    let text = answer.body_mut().read_to_string().unwrap();
    let body = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{url} answered no JSON: {text}"));
    Answer {
        status: answer.status().as_u16(),
        body,
    }
}
