//! The HTML pages. Each page contains its own style and script. Its content security policy allows no other style or
//! script.

use std::fmt;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use healthcheck::Transition;
use serde_json::{Map, Value};

use super::body::Body;
use super::{Format, Page, body};
use crate::access::details::{LEFT_OUT, history_without_outputs};
use crate::paths::Paths;
use crate::service::Service;

mod environment;
mod history;
mod look;
mod markup;
mod moment;
mod problem;
mod row;
mod shell;
mod status;
mod strip;

use markup::Markup;

/// The format `html`, which renders a report as the status page.
pub(super) struct Html;

/// The content type of the HTML pages.
pub(crate) const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

impl Format for Html {
    fn content_type(&self) -> HeaderValue {
        HTML
    }

    fn headers(&self) -> HeaderMap {
        headers()
    }

    fn render(&self, page: &Page<'_>) -> Bytes {
        body::render(page, |page, body| status::write(page, &mut Markup(body)))
    }
}

/// Renders the environment page. If the page would be too large, a note replaces the content of each section.
pub(crate) fn of_environment(
    paths: &Paths,
    service: &Service,
    sections: &Map<String, Value>,
    variables_are_hidden: bool,
) -> Bytes {
    let within = |sections: &Map<String, Value>| {
        within(|out| environment::write(paths, service, sections, variables_are_hidden, out))
    };
    within(sections).unwrap_or_else(|| {
        let mut notes = Map::new();
        notes.extend(sections.keys().map(|name| (name.clone(), LEFT_OUT.into())));
        within(&notes).unwrap_or_default()
    })
}

/// Renders the history page with the latest transitions. If the page would be too large, a note replaces each output of
/// a check.
pub(crate) fn of_history(
    paths: &Paths,
    service: &Service,
    with_environment: bool,
    all: &[Transition],
) -> Bytes {
    let write = |all: &[Transition]| within(|out| history::write(paths, service, with_environment, all, out));
    write(all)
        .or_else(|| write(&history_without_outputs(all.to_vec())))
        .unwrap_or_default()
}

/// Renders the page of an error. `help` contains texts that help to fix the error. If `links` is set, the page links to
/// the endpoints.
pub(crate) fn of_problem(
    status: StatusCode,
    error: &str,
    help: &Map<String, Value>,
    links: Option<(&Paths, bool)>,
) -> Bytes {
    within(|out| problem::write(status, error, help, links, out)).unwrap_or_default()
}

/// Renders an HTML page. Returns `None` if the page would exceed the size limit.
fn within(write: impl FnOnce(&mut Markup<'_>) -> fmt::Result) -> Option<Bytes> {
    let mut body = Body::default();
    write(&mut Markup(&mut body)).ok()?;
    Some(body.into_bytes())
}

/// Returns the headers that every HTML page has, without the content type.
pub(crate) fn headers() -> HeaderMap {
    HeaderMap::from_iter([
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(shell::POLICY),
        ),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ])
}
