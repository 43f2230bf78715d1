//! Tests with texts that try to break out of the string, the line, the header or the HTML element that contains them.

use std::time::Duration;

use axum::Router;
use axum::http::{Request, StatusCode};
use healthcheck::{Check, EnvironmentDump, HealthCheck, Outcome, Status};
use healthcheck_axum::Endpoints;
use serde_json::{Value, json};

use crate::page::{Page, ask, get};

/// Texts that try to break out of their surroundings: for example out of a JSON string, a line, a header, an HTML
/// element, or a line of a terminal.
const HOSTILE: [&str; 12] = [
    r#""}],"status":"success","x":[{""#,
    r#"\"}],"status":"success""#,
    "\\",
    "\r\nX-Injected: 1\r\n\r\n<html>",
    "fine\nsuccess: everything is fine",
    "\0",
    "\u{1b}[2J\u{1b}[31m",
    "\u{2028}\u{2029}\u{85}",
    "\u{202e}\u{feff}\u{200b}",
    "</script><script>alert(1)</script>",
    "'\" onmouseover=alert(1) x='<!--",
    "{{7*7}} ${7*7} %s%n \u{10ffff}",
];

fn app() -> Router {
    saying(HOSTILE)
}

/// Returns a router whose answers contain each of these texts as an output, as an error and as a section, and also as
/// the reason of an override and of maintenance.
fn saying(texts: [&'static str; 12]) -> Router {
    let mut builder = HealthCheck::builder().discover(false);
    for (index, text) in texts.into_iter().enumerate() {
        builder = builder
            .check(Check::new(format!("fails{index}"), move || async move {
                Err::<(), _>(text)
            }))
            .check(Check::new(format!("returns{index}"), move || async move {
                Outcome::pass(json!({ text: text }))
            }))
            .section(format!("section{index}"), json!({ text: [text] }));
    }
    let health = builder.build().unwrap();
    health
        .set_override("returns0", Status::Warn, Duration::from_secs(60), texts.concat())
        .unwrap();
    health.begin_maintenance(texts.concat());
    let dump = texts.into_iter().enumerate().fold(
        EnvironmentDump::builder().discover(false),
        |builder, (index, text)| builder.section(format!("section{index}"), json!({ text: text })),
    );
    Endpoints::new(health)
        .environment(dump.build().unwrap())
        .router()
        .unwrap()
}

fn json_of(page: &Page) -> Value {
    assert_eq!(page.headers["content-type"], "application/json", "{}", page.body);
    serde_json::from_str(&page.body).unwrap()
}

/// Asserts that the texts haven't added or changed a header of this answer, and that all headers are printable.
fn assert_headers_are_ours(page: &Page, uri: &str) {
    assert_eq!(page.headers["x-content-type-options"], "nosniff", "{uri}");
    for (name, value) in &page.headers {
        assert_ne!(name, "x-injected", "{uri}");
        assert!(
            value.as_bytes().iter().all(|byte| matches!(byte, b' '..=b'~')),
            "{uri}: {name}: {value:?}"
        );
    }
}

#[tokio::test]
async fn what_a_check_says_stays_within_its_string() {
    let app = app();
    let page = get(&app, "/healthcheck").await;
    assert_headers_are_ours(&page, "/healthcheck");
    // The body must contain no control characters, not even a line feed. Otherwise a program that reads line by line
    // could mistake a part of a text for a line.
    assert!(
        !page.body.bytes().any(|byte| byte.is_ascii_control()),
        "{}",
        page.body
    );
    let report = json_of(&page);
    assert_eq!(report["status"], "failure");
    assert_eq!(report["results"].as_array().unwrap().len(), 2 * HOSTILE.len());
    for (index, text) in HOSTILE.into_iter().enumerate() {
        let output = |name: String| {
            let results = report["results"].as_array().unwrap();
            let result = results.iter().find(|result| result["checker"] == name).unwrap();
            result["output"].clone()
        };
        assert_eq!(output(format!("fails{index}")), text);
        assert_eq!(output(format!("returns{index}")), json!({ text: text }));
        assert_eq!(report[format!("section{index}")], json!({ text: [text] }));
    }
}

#[tokio::test]
async fn every_page_is_one_json_value_whatever_stands_in_it() {
    let app = app();
    for uri in [
        "/readyz",
        "/livez",
        "/healthcheck/fails3",
        "/healthcheck/history",
        "/environment",
    ] {
        let page = get(&app, uri).await;
        assert_headers_are_ours(&page, uri);
        json_of(&page);
    }
    for (index, text) in HOSTILE.into_iter().enumerate() {
        let uri = format!("/environment/section{index}");
        assert_eq!(json_of(&get(&app, &uri).await), json!({ text: text }));
    }
}

#[tokio::test]
async fn a_hostile_output_adds_no_line_to_text_and_metrics_and_no_element_to_a_page() {
    let (hostile, tame) = (app(), saying(["tame"; 12]));
    for (form, mark) in [
        ("text", '\n'),
        ("prometheus", '\n'),
        ("openmetrics", '\n'),
        ("html", '<'),
    ] {
        for path in [
            "/healthcheck",
            "/healthcheck/returns0",
            "/healthcheck/fails3",
            "/healthcheck/fails5",
        ] {
            for verbose in ["", "&verbose"] {
                let uri = format!("{path}?format={form}{verbose}");
                let (hostile, tame) = (get(&hostile, &uri).await, get(&tame, &uri).await);
                assert_headers_are_ours(&hostile, &uri);
                assert_eq!(hostile.status, tame.status, "{uri}");
                assert_eq!(
                    hostile.body.matches(mark).count(),
                    tame.body.matches(mark).count(),
                    "{uri}\n{}\n{}",
                    hostile.body,
                    tame.body
                );
                assert!(
                    !hostile
                        .body
                        .chars()
                        .any(|character| character.is_control() && character != '\n'),
                    "{uri}: {:?}",
                    hostile.body
                );
            }
        }
    }
}

#[tokio::test]
async fn what_a_client_says_stays_within_the_string_of_its_refusal() {
    let app = app();
    for text in HOSTILE {
        let escaped: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
        for uri in [
            format!("/healthcheck?check={escaped}"),
            format!("/healthcheck?tag={escaped}"),
            format!("/healthcheck?exclude={escaped}"),
            format!("/healthcheck?format={escaped}"),
            format!("/readyz/{escaped}"),
            format!("/healthcheck/{escaped}"),
            format!("/environment/{escaped}"),
        ] {
            let page = get(&app, &uri).await;
            assert_headers_are_ours(&page, &uri);
            let body: Value = serde_json::from_str(&page.body).unwrap();
            if page.status.is_client_error() {
                assert!(body["error"].is_string(), "{uri}: {body}");
            } else {
                // An unknown check in `exclude` causes only a warning and no error. So the answer is a complete report.
                assert!(uri.contains("exclude="), "{uri}: {}", page.status);
                assert_eq!(body["status"], "failure", "{uri}");
            }
        }
    }
}

#[tokio::test]
async fn no_header_of_a_request_comes_back() {
    let app = app();
    let sign = "kq7Zrv2Tn9xLw4";
    for name in [
        "host",
        "origin",
        "referer",
        "user-agent",
        "accept",
        "accept-language",
        "authorization",
        "cookie",
        "forwarded",
        "via",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-request-id",
        "traceparent",
        "range",
        "if-none-match",
        "content-type",
    ] {
        for uri in ["/healthcheck", "/environment", "/healthcheck/nobody"] {
            let page = ask(&app, Request::get(uri).header(name, sign)).await;
            assert_headers_are_ours(&page, uri);
            assert!(!page.body.contains(sign), "{name} {uri}: {}", page.body);
            assert!(
                page.headers
                    .values()
                    .all(|value| !value.to_str().unwrap().contains(sign)),
                "{name} {uri}"
            );
        }
    }
}

#[tokio::test]
async fn a_request_with_a_body_is_answered_as_one_without() {
    let app = app();
    let page = ask(
        &app,
        Request::get("/livez").header("content-length", "18446744073709551615"),
    )
    .await;
    assert_eq!(page.status, StatusCode::OK);
    let page = ask(
        &app,
        Request::get("/livez").header("transfer-encoding", "chunked"),
    )
    .await;
    assert_eq!(page.status, StatusCode::OK);
}
