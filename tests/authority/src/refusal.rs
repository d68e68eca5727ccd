//! How AWS says that a request is denied, in the words of each protocol.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::http::{Response, StatusCode, header};
use serde_json::json;

use crate::authority::Denial;

pub(crate) fn answer(service: &str, denial: &Denial) -> Response<Full<Bytes>> {
    let message = format!(
        "User: {} is not authorized to perform: {} on resource: {} because {}",
        denial.principal, denial.action, denial.resource, denial.because
    );
    match service {
        // The query protocol and S3 answer in XML.
        "sns" => of_query("AuthorizationError", &message),
        "ses" | "sts" => of_query("AccessDenied", &message),
        "s3" => {
            let body = format!(
                "<Error><Code>AccessDenied</Code><Message>{}</Message></Error>",
                escaped(&message)
            );
            response(StatusCode::FORBIDDEN, "application/xml", body)
        }
        _ => {
            let body = json!({"__type": "com.amazon.coral.service#AccessDeniedException", "message": message});
            response(StatusCode::BAD_REQUEST, "application/x-amz-json-1.0", body.to_string())
        }
    }
}

fn of_query(code: &str, message: &str) -> Response<Full<Bytes>> {
    let message = escaped(message);
    let body = format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
         <RequestId>denied</RequestId></ErrorResponse>"
    );
    response(StatusCode::FORBIDDEN, "text/xml", body)
}

fn response(status: StatusCode, content_type: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    let content_type = header::HeaderValue::from_static(content_type);
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
