//! The API's description, OpenAPI 3.1, from what the code knows: the limits in force, the problems there
//! are, the forms of an answer.

use salvo::http::StatusCode;
use serde_json::{Map, Value, json};

use super::problem::{self, Problem};
use super::query::Limits;

/// The document for a server with these limits.
pub fn document(limits: Limits) -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": env!("CARGO_PKG_NAME"),
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Fibonacci numbers over HTTP; the CPU cost is a dial.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" }
        },
        "paths": {
            "/get": both(get(limits)),
            "/health": both(simple(
                "health",
                "Whether the service is up",
                json!({ "application/json": { "schema": { "$ref": "#/components/schemas/Health" } } }),
            )),
            "/metrics": both(simple(
                "metrics",
                "Prometheus metrics, text format 0.0.4",
                json!({ "text/plain; version=0.0.4; charset=utf-8": { "schema": { "type": "string" } } }),
            )),
            "/version": both(simple(
                "version",
                "What runs",
                json!({ "application/json": { "schema": { "$ref": "#/components/schemas/Version" } } }),
            )),
            "/openapi.json": both(simple(
                "openapi",
                "This description",
                json!({ "application/json": { "schema": { "type": "object" } } }),
            )),
            "/docs": both(simple(
                "docs",
                "A page to try it",
                json!({ "text/html; charset=utf-8": { "schema": { "type": "string" } } }),
            ))
        },
        "components": { "schemas": schemas(limits), "headers": headers() }
    })
}

/// GET, and HEAD with the same answers but for their bodies.
fn both(get: Value) -> Value {
    let mut head = get.clone();
    head["operationId"] = json!(format!(
        "{}Head",
        get["operationId"].as_str().unwrap_or_default()
    ));
    for response in head["responses"]
        .as_object_mut()
        .into_iter()
        .flat_map(Map::values_mut)
    {
        if let Some(response) = response.as_object_mut() {
            response.remove("content");
        }
    }
    json!({ "get": get, "head": head })
}

fn simple(id: &str, summary: &str, content: Value) -> Value {
    json!({
        "summary": summary,
        "operationId": id,
        "responses": {
            "200": { "description": "It.", "headers": common_headers(), "content": content },
            "400": problem(&Problem::host())
        }
    })
}

fn get(limits: Limits) -> Value {
    let largest = limits.max_n;
    json!({
        "summary": "F(n), or F(0) to F(n)",
        "operationId": "get",
        "description": format!(
            "`sequence=true` goes with `format=json` or no format, and with n up to {}; with `text` or `hex` it is \
             400, with a larger n 422.",
            limits.max_sequence_n
        ),
        "parameters": [{
            "name": "ask",
            "in": "query",
            "required": true,
            "style": "form",
            "explode": true,
            "description": "A number, or a sequence. Each parameter stands once; others are ignored.",
            "schema": { "oneOf": [
                { "$ref": "#/components/schemas/AskNumber" },
                { "$ref": "#/components/schemas/AskSequence" }
            ] },
            "example": { "n": 90 }
        }],
        "responses": {
            "200": {
                "description": "The number or the sequence.",
                "headers": common_headers(),
                "content": {
                    "application/json": { "schema": { "oneOf": [
                        { "$ref": "#/components/schemas/Number" },
                        { "$ref": "#/components/schemas/Sequence" }
                    ] } },
                    "text/plain; charset=utf-8": { "schema": { "type": "string", "pattern": "^[0-9a-f]+$" } }
                }
            },
            "304": { "description": "The client has it already.", "headers": common_headers() },
            "400": problem(&Problem::parameter("n", "it is missing", "a whole number")),
            "422": problem(&Problem::above_limit("n", largest)),
            "429": problem(&Problem::too_many(std::time::Duration::from_secs(1))),
            "503": problem(&Problem::no_memory()),
            "504": problem(&Problem::of_status(StatusCode::GATEWAY_TIMEOUT))
        }
    })
}

fn problem(example: &Problem) -> Value {
    json!({
        "description": example.status.canonical_reason().unwrap_or("A problem"),
        "headers": common_headers(),
        "content": { (problem::MEDIA_TYPE): { "schema": { "$ref": "#/components/schemas/Problem" } } }
    })
}

fn common_headers() -> Value {
    json!({
        "x-fib-pod": { "$ref": "#/components/headers/Pod" },
        "x-request-id": { "$ref": "#/components/headers/RequestId" }
    })
}

fn headers() -> Value {
    json!({
        "Pod": { "description": "The pod that answered.", "schema": { "type": "string" } },
        "RequestId": {
            "description": "The client's own, or a new one.",
            "schema": { "type": "string", "pattern": "^[A-Za-z0-9_.:-]{1,64}$" }
        }
    })
}

fn schemas(limits: Limits) -> Value {
    json!({
        "AskNumber": {
            "type": "object",
            "required": ["n"],
            "properties": {
                "n": {
                    "type": "integer",
                    "minimum": 0,
                    "maximum": limits.max_n,
                    "description": "Which number: plain decimal digits without sign, space or leading zero."
                },
                "format": {
                    "type": "string",
                    "enum": ["json", "text", "hex"],
                    "description": "The form of the answer; wins over Accept, which can ask for JSON or text."
                },
                "sequence": { "type": "string", "enum": ["false"] }
            }
        },
        "AskSequence": {
            "type": "object",
            "required": ["n", "sequence"],
            "properties": {
                "n": {
                    "type": "integer",
                    "minimum": 0,
                    "maximum": limits.max_sequence_n,
                    "description": "The last number of the sequence."
                },
                "format": { "type": "string", "enum": ["json"] },
                "sequence": { "type": "string", "enum": ["true"] }
            }
        },
        "Number": {
            "type": "object",
            "required": ["n", "value", "digits"],
            "additionalProperties": false,
            "properties": {
                "n": { "type": "integer", "minimum": 0, "maximum": limits.max_n },
                "value": { "type": "string", "pattern": "^(0|[1-9][0-9]*)$" },
                "digits": { "type": "integer", "minimum": 1 }
            }
        },
        "Sequence": {
            "type": "object",
            "required": ["n", "sequence"],
            "additionalProperties": false,
            "properties": {
                "n": { "type": "integer", "minimum": 0, "maximum": limits.max_sequence_n },
                "sequence": {
                    "type": "array",
                    "minItems": 1,
                    "maxItems": limits.max_sequence_n.saturating_add(1),
                    "items": { "type": "string", "pattern": "^(0|[1-9][0-9]*)$" }
                }
            }
        },
        "Health": {
            "type": "object",
            "required": ["name", "version", "status", "draining", "pod", "uptime_ms"],
            "properties": {
                "name": { "type": "string" },
                "version": { "type": "string" },
                "status": { "const": "ok" },
                "draining": { "type": "boolean" },
                "pod": { "type": "string" },
                "uptime_ms": { "type": "integer", "minimum": 0 }
            }
        },
        "Version": {
            "type": "object",
            "required": ["name", "version"],
            "properties": { "name": { "type": "string" }, "version": { "type": "string" } }
        },
        "Problem": {
            "type": "object",
            "description": "What was wrong, and what is allowed (RFC 9457).",
            "required": ["type", "title", "status", "detail"],
            "properties": {
                "type": { "type": "string", "pattern": "^urn:fib:problem:[a-z-]+$" },
                "title": { "type": "string" },
                "status": { "type": "integer", "minimum": 400, "maximum": 599 },
                "detail": { "type": "string" },
                "parameter": { "type": "string" },
                "wrong": { "type": "string" },
                "allowed": { "type": "string" },
                "limit": { "type": "integer", "minimum": 0 },
                "reason": { "type": "string" },
                "retry_after_seconds": { "type": "integer", "minimum": 1, "maximum": 3600 }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// To make it anew: `fib-server --listen … &`, then `curl …/openapi.json | jq .`.
    #[test]
    fn the_document_in_the_repository_is_that_of_the_code() {
        let limits = Limits {
            max_n: 1_000_000,
            max_sequence_n: 10_000,
        };
        let kept = std::fs::read_to_string(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../docs/fib-server-openapi.json"
        ))
        .unwrap();
        let kept: Value = serde_json::from_str(&kept).unwrap();
        let made = document(limits);
        assert_eq!(
            made, kept,
            "write it to docs/fib-server-openapi.json:\n{made:#}"
        );
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document(Limits {
            max_n: 10,
            max_sequence_n: 5,
        });
        let text = document.to_string();
        for reference in text.split("\"$ref\":\"#").skip(1) {
            let pointer = reference.split('"').next().unwrap();
            assert!(document.pointer(pointer).is_some(), "{pointer}");
        }
    }
}
