//! What the description of every API has, however it is made.

use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;

use crate::error::PROBLEM_JSON;

/// The description of an API, with what every API answers: problems, its health, and the description itself; entity tags and
/// 304 where an operation takes `If-None-Match`, 412 where it takes `If-Match`.
///
/// # Errors
/// Never, as long as a description is JSON.
pub fn described(name: &str, api: &OpenApi) -> Result<Value, serde_json::Error> {
    let mut description = serde_json::to_value(api)?;
    description["openapi"] = json!("3.1.0");
    description["info"] = json!({"title": name, "version": "1"});
    add(&mut description["components"]["schemas"], schemas());
    add(&mut description["paths"], paths());
    let paths = description["paths"].as_object_mut();
    for operations in paths.into_iter().flat_map(Map::values_mut) {
        for operation in operations.as_object_mut().into_iter().flat_map(Map::values_mut) {
            complete(operation);
        }
    }
    Ok(description)
}

fn add(to: &mut Value, more: Value) {
    if !to.is_object() {
        *to = json!({});
    }
    if let (Value::Object(to), Value::Object(more)) = (to, more) {
        to.extend(more);
    }
}

/// Problems for whatever is not described otherwise, and what the demanded versions bring along.
fn complete(operation: &mut Value) {
    let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
    let takes = |header: &str| parameters.iter().any(|parameter| parameter["name"] == header);
    let (reads, changes) = (takes("If-None-Match") && !takes("If-Match"), takes("If-Match"));
    let responses = &mut operation["responses"];
    if reads {
        let tag = json!({"ETag": {"description": "The version.", "schema": {"type": "string"}}});
        responses["200"]["headers"] = tag.clone();
        let unchanged = json!({"description": "The caller has this version.", "headers": tag});
        add(responses, json!({"304": unchanged}));
    }
    if changes {
        add(
            responses,
            json!({"412": problem("`versionMismatch`: it has another version.")}),
        );
    }
    add(responses, json!({"default": problem("Why it was not carried out.")}));
}

fn problem(description: &str) -> Value {
    let schema = json!({"$ref": "#/components/schemas/Problem"});
    json!({"description": description, "content": {PROBLEM_JSON: {"schema": schema}}})
}

fn schemas() -> Value {
    let text = json!({"type": "string"});
    json!({
        "Problem": {
            "type": "object",
            "description": "An error, as RFC 9457 has it.",
            "required": ["type", "title", "status", "detail", "error", "message"],
            "properties": {
                "type": text, "title": text, "detail": text,
                "status": {"type": "integer", "minimum": 400, "maximum": 599},
                "instance": {"type": "string", "description": "The start of the route."},
                "error": {"type": "string", "description": "A code for programs."},
                "message": {"type": "string", "description": "The same words as `detail`."},
            },
        },
        "Health": {
            "type": "object",
            "required": ["status", "timestamp", "version", "checks"],
            "properties": {
                "status": {"type": "string", "enum": ["healthy", "degraded", "unhealthy"]},
                "timestamp": {"type": "string", "format": "date-time"},
                "version": {"type": "string", "description": "The commit of the build, or `unknown`."},
                "checks": {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/HealthCheck"}},
            },
        },
        "HealthCheck": {
            "type": "object",
            "required": ["status", "latencyMs"],
            "properties": {
                "status": {"type": "string", "enum": ["healthy", "unhealthy"]},
                "latencyMs": {"type": "integer", "minimum": 0},
                "error": text,
                "stale": {"type": "boolean", "description": "Found out earlier, within the last second."},
            },
        },
    })
}

fn paths() -> Value {
    let content = json!({"application/json": {"schema": {"$ref": "#/components/schemas/Health"}}});
    let asked = |summary: &str| {
        let responses = |has_body: bool| {
            let answer = |description: &str| match has_body {
                true => json!({"description": description, "content": content}),
                false => json!({"description": description}),
            };
            json!({"200": answer("Healthy, or degraded."), "503": answer("A required check fails.")})
        };
        json!({
            "get": {"summary": summary, "tags": ["health"], "responses": responses(true)},
            "head": {"summary": summary, "tags": ["health"], "responses": responses(false)},
        })
    };
    let description = json!({"200": {"description": "OpenAPI 3.1.", "content": {"application/json": {"schema": {"type": "object"}}}}});
    json!({
        "/health": asked("All checks"),
        "/health/live": asked("Whether the process lives"),
        "/health/ready": asked("The required checks"),
        "/openapi.json": {"get": {"summary": "This description", "responses": description}},
    })
}
