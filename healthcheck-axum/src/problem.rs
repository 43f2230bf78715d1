//! Answers that say what was wrong with the question, as JSON: `{"error": …}` and what helps.

use axum::body::Bytes;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use healthcheck::SelectionError;
use healthcheck::checks::Loop;
use serde_json::{Value, json};

use crate::access::Refusal;
use crate::answer;
use crate::format::UnknownFormat;
use crate::query::QueryError;

/// A method that the path doesn't answer.
pub(crate) fn method_not_allowed(allowed: HeaderValue) -> Response {
    let methods = allowed.to_str().unwrap_or_default();
    let body = json!({ "error": format!("this path answers {methods}") });
    let mut response = problem(StatusCode::METHOD_NOT_ALLOWED, &body);
    response.headers_mut().insert(header::ALLOW, allowed);
    response
}

/// A caller who isn't let in.
pub(crate) fn refused(refusal: Refusal<'_>) -> Response {
    let body = json!({ "error": refusal.problem(), "how_to_allow": refusal.remedy() });
    let mut response = problem(refusal.status(), &body);
    if refusal.status() == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static("Bearer");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

/// A request that an upstream check of this very service has caused.
pub(crate) fn asked_by_itself(refused: Loop) -> Response {
    problem(
        StatusCode::LOOP_DETECTED,
        &json!({ "error": refused.to_string() }),
    )
}

/// A query that can't be read.
pub(crate) fn bad_query(error: QueryError) -> Response {
    problem(error.status(), &json!({ "error": error.to_string() }))
}

/// A `?format=` that isn't to be had, with those that are.
pub(crate) fn unknown_format(error: &UnknownFormat) -> Response {
    let body = json!({ "error": error.to_string(), "known_formats": error.known() });
    problem(StatusCode::BAD_REQUEST, &body)
}

/// A path whose last segment isn't text.
pub(crate) fn bad_path() -> Response {
    let body = json!({ "error": "the path isn't UTF-8 once it is decoded" });
    problem(StatusCode::BAD_REQUEST, &body)
}

/// Checks or tags that don't exist, with the ones that do.
pub(crate) fn unknown_selection(error: &SelectionError) -> Response {
    let mut body = json!({ "error": error.to_string() });
    for (kind, unknown, known) in [
        ("checks", error.unknown_checks(), error.known_checks()),
        ("tags", error.unknown_tags(), error.known_tags()),
    ] {
        if !unknown.is_empty()
            && let Some(body) = body.as_object_mut()
        {
            body.insert(format!("unknown_{kind}"), unknown.into());
            body.insert(format!("known_{kind}"), known.into());
        }
    }
    problem(StatusCode::NOT_FOUND, &body)
}

/// One check was asked for by its path, and the query chooses others.
pub(crate) fn not_chosen(check: &str) -> Response {
    let body = json!({
        "error": format!("the path asks for the check `{check}` alone, and the query for others; ask for one of the two"),
        "known_checks": [check],
    });
    problem(StatusCode::NOT_FOUND, &body)
}

/// A section that doesn't exist, with the ones that do.
pub(crate) fn unknown_section(section: &str, known: impl Iterator<Item = String>) -> Response {
    let known: Vec<String> = known.collect();
    let body = json!({
        "error": format!("unknown section `{section}`; the sections are: {}", known.join(", ")),
        "known_sections": known,
    });
    problem(StatusCode::NOT_FOUND, &body)
}

/// No route leads here where there is no page.
pub(crate) fn no_environment() -> Response {
    let body = json!({ "error": "no environment page is served" });
    problem(StatusCode::NOT_FOUND, &body)
}

fn problem(status: StatusCode, body: &Value) -> Response {
    answer::json(status, Bytes::from(body.to_string()))
}
