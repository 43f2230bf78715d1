use axum::http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use super::*;
use crate::render::{Format, Page};

struct Mine;

impl Format for Mine {
    fn content_type(&self) -> HeaderValue {
        HeaderValue::from_static("text/x-mine; charset=utf-8")
    }

    fn render(&self, _: &Page<'_>) -> Bytes {
        Bytes::new()
    }
}

fn described(paths: &Paths, answers: &Answers) -> Value {
    let subject = Subject {
        paths,
        answers,
        with_environment: true,
        version: Some("1.2.3"),
    };
    serde_json::from_slice(&document(&subject)).unwrap()
}

/// Adds the value of every `$ref` in a JSON document to `found`.
fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str));
            fields.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[test]
fn every_endpoint_is_described_and_every_schema_is_there() {
    let document = described(&Paths::default(), &Answers::default());
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["version"], "1.2.3");
    let paths: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
    assert_eq!(
        paths,
        [
            "/environment",
            "/environment/{section}",
            "/healthcheck",
            "/healthcheck/history",
            "/healthcheck/openapi.json",
            "/healthcheck/{check}",
            "/livez",
            "/livez/{check}",
            "/readyz",
            "/readyz/{check}",
            "/startupz",
            "/startupz/{check}",
        ]
    );
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.contains(&"#/components/schemas/CheckResult"));
    for reference in found {
        let pointer = reference.trim_start_matches('#');
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

#[test]
fn the_report_is_described_as_it_is_sent() {
    let document = described(&Paths::default(), &Answers::default());
    let report = &document["components"]["schemas"]["Report"];
    let schema = report.to_string();
    for field in ["hostname", "status", "timestamp", "results"] {
        assert!(schema.contains(&format!("\"{field}\"")), "{schema}");
    }
    let overall = &document["components"]["schemas"]["Overall"]["enum"];
    assert_eq!(*overall, json!(["success", "degraded", "failure"]));
}

#[test]
fn statuses_forms_and_paths_are_those_of_the_configuration() {
    let paths = Paths {
        health: "/status/health".to_owned(),
        ..Paths::default()
    };
    let mut answers = Answers {
        degraded_status: Some(StatusCode::TOO_MANY_REQUESTS),
        failed_status: Some(StatusCode::INTERNAL_SERVER_ERROR),
        ..Answers::default()
    };
    answers.formats.insert("mine".to_owned(), Mine);
    let document = described(&paths, &answers);
    let health = &document["paths"]["/status/health"]["get"];
    for status in ["200", "429", "500"] {
        assert!(health["responses"][status].is_object(), "{status}");
    }
    assert!(health["responses"]["503"].is_null());
    assert!(document["paths"]["/readyz"]["get"]["responses"]["429"].is_null());
    let content = &health["responses"]["200"]["content"];
    assert!(content["text/x-mine"].is_object() && content["application/openmetrics-text"].is_object());
    let probe = &document["paths"]["/readyz"]["get"]["responses"]["200"]["content"];
    assert!(probe["application/openmetrics-text"].is_null());
}

#[test]
fn the_environment_is_described_where_it_is_served() {
    let subject = Subject {
        paths: &Paths::default(),
        answers: &Answers::default(),
        with_environment: false,
        version: None,
    };
    let document: Value = serde_json::from_slice(&document(&subject)).unwrap();
    assert_eq!(document["info"]["version"], "unknown");
    let paths: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
    assert_eq!(paths.len(), 10, "{paths:?}");
    assert!(
        paths.iter().all(|path| !path.contains("environment")),
        "{paths:?}"
    );
}

#[test]
fn the_paths_begin_where_the_document_is_mounted() {
    for (health, root) in [("/", "."), ("/healthcheck", ".."), ("/status/health", "../..")] {
        let paths = Paths {
            health: health.to_owned(),
            ..Paths::default()
        };
        let document = described(&paths, &Answers::default());
        assert_eq!(document["servers"][0]["url"], root, "{health}");
    }
}

#[test]
fn a_form_of_ones_own_says_whatever_it_likes() {
    let mut answers = Answers::default();
    answers.formats.insert("json".to_owned(), Mine);
    let csv = HeaderValue::from_static("text/csv; charset=utf-8");
    answers.success_headers.push((header::CONTENT_TYPE, csv));
    let document = described(&Paths::default(), &answers);
    let content = &document["paths"]["/livez"]["get"]["responses"]["200"]["content"];
    for media in ["text/x-mine", "text/csv"] {
        assert_eq!(content[media]["schema"]["type"], "string", "{content}");
    }
    // The application has replaced the format `json`. Two built-in formats with the content type `application/json`
    // remain: `microprofile` and `aspnet`.
    let json = content["application/json"].to_string();
    assert!(!json.contains("Report"), "{json}");
}
