//! The API's description, OpenAPI 3.1, generated from the code: the limits in force, the possible problems, the
//! formats of an answer.

use salvo::http::StatusCode;
use serde_json::{Map, Value, json};

use super::problem::{self, Problem};
use super::query::IndexLimits;

/// The document for a server with these limits.
pub fn document(limits: IndexLimits) -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": env!("CARGO_PKG_NAME"),
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Fibonacci numbers over HTTP, with adjustable CPU cost.",
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

/// GET, and HEAD with the same answers without bodies.
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

fn get(limits: IndexLimits) -> Value {
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
                "headers": headers_with(&["etag"]),
                "content": {
                    "application/json": { "schema": { "oneOf": [
                        { "$ref": "#/components/schemas/Number" },
                        { "$ref": "#/components/schemas/Sequence" }
                    ] } },
                    "text/plain; charset=utf-8": { "schema": { "type": "string", "pattern": "^[0-9a-f]+$" } }
                }
            },
            "304": { "description": "The client has it already.", "headers": headers_with(&["etag"]) },
            "400": problem(&Problem::parameter("n", "it is missing", "a whole number")),
            "422": problem(&Problem::above_limit("n", largest)),
            "429": problem(&Problem::too_many(std::time::Duration::from_secs(1))),
            "503": problem(&Problem::no_memory()),
            "504": problem(&Problem::of_status(StatusCode::GATEWAY_TIMEOUT))
        }
    })
}

fn problem(example: &Problem) -> Value {
    let more: &[&str] = match (example.says_when_to_retry(), example.status) {
        (true, StatusCode::TOO_MANY_REQUESTS) => &["retry-after", "ratelimit", "ratelimit-policy"],
        (true, _) => &["retry-after"],
        (false, _) => &[],
    };
    json!({
        "description": example.status.canonical_reason().unwrap_or("A problem"),
        "headers": headers_with(more),
        "content": { (problem::MEDIA_TYPE): { "schema": { "$ref": "#/components/schemas/Problem" } } }
    })
}

fn common_headers() -> Value {
    headers_with(&[])
}

/// The headers of every answer, plus these.
fn headers_with(more: &[&str]) -> Value {
    let names = ["x-fib-pod", "x-request-id"].iter().chain(more);
    let referred = |name: &&str| {
        (
            (*name).to_owned(),
            json!({ "$ref": format!("#/components/headers/{name}") }),
        )
    };
    Value::Object(names.map(referred).collect())
}

fn headers() -> Value {
    json!({
        "x-fib-pod": { "description": "The pod that answered.", "schema": { "type": "string" } },
        "x-request-id": {
            "description": "The client's own, or a new one.",
            "schema": { "type": "string", "pattern": "^[A-Za-z0-9_.:-]{1,64}$" }
        },
        "etag": {
            "description": "F(n) never changes: the number and the form are the tag.",
            "schema": { "type": "string", "pattern": "^\"[0-9a-z.-]+\"$" }
        },
        "retry-after": {
            "description": "Seconds after which another try may go better.",
            "schema": { "type": "integer", "minimum": 1, "maximum": 3600 }
        },
        "ratelimit": {
            "description": "What is left of this client's rate, and when there is more.",
            "schema": { "type": "string" }
        },
        "ratelimit-policy": {
            "description": "The rate that one client may send.",
            "schema": { "type": "string" }
        }
    })
}

fn schemas(limits: IndexLimits) -> Value {
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
                    "description": "The format of the answer; takes precedence over Accept, which can ask for JSON or text."
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
    use crate::api::query::Ask;

    /// To regenerate it: `fib-server --listen … &`, then `curl …/openapi.json | jq .`.
    #[test]
    fn the_document_in_the_repository_is_generated_from_the_code() {
        let limits = IndexLimits {
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
    fn the_paths_are_the_routes_of_the_main_port() {
        use std::collections::BTreeSet;

        use crate::metrics::Route::{Docs, Get, Health, Metrics, Openapi, Version};

        let document = document(IndexLimits {
            max_n: 10,
            max_sequence_n: 5,
        });
        let described: BTreeSet<_> = document["paths"]
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        let served = [Get, Health, Metrics, Version, Openapi, Docs].map(|route| route.as_str());
        assert_eq!(described, BTreeSet::from(served));
    }

    #[test]
    fn the_limits_in_force_are_maxima_and_the_formats_are_those_that_are_parsed() {
        let limits = IndexLimits {
            max_n: 77,
            max_sequence_n: 7,
        };
        let document = document(limits);
        for (schema, most) in [
            ("AskNumber", 77),
            ("AskSequence", 7),
            ("Number", 77),
            ("Sequence", 7),
        ] {
            let n = &document["components"]["schemas"][schema]["properties"]["n"];
            assert_eq!(n["maximum"], most, "{schema}");
        }
        let ask = |query: &str| Ask::parse(query, None, limits).map_err(|p| p.status.as_u16());
        for (schema, sequence) in [("AskNumber", "false"), ("AskSequence", "true")] {
            let described =
                &document["components"]["schemas"][schema]["properties"]["format"]["enum"];
            for format in ["json", "text", "hex", "xml"] {
                let is_read = ask(&format!("n=1&format={format}&sequence={sequence}")).is_ok();
                let is_described = described.as_array().unwrap().contains(&json!(format));
                assert_eq!(is_read, is_described, "{schema} {format}");
            }
        }
        assert_eq!(ask("n=78"), Err(422));
        assert_eq!(ask("n=8&sequence=true"), Err(422));
    }

    #[test]
    fn every_reference_resolves() {
        let document = document(IndexLimits {
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
