//! The HTML pages. Each is one self-contained document, whose content security policy allows only its own style and
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

/// The format of the status page.
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

/// Renders the environment page. If the page would be too large, omits the values.
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

/// Renders the latest transitions. If the page would be too large, omits the checks' outputs.
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

/// Renders the page of an error. `help` has texts that help to fix it. With `links`, the page links to the endpoints.
pub(crate) fn of_problem(
    status: StatusCode,
    error: &str,
    help: &Map<String, Value>,
    links: Option<(&Paths, bool)>,
) -> Bytes {
    within(|out| problem::write(status, error, help, links, out)).unwrap_or_default()
}

/// Renders a page. Returns `None` if it would exceed the size limit.
fn within(write: impl FnOnce(&mut Markup<'_>) -> fmt::Result) -> Option<Bytes> {
    let mut body = Body::default();
    write(&mut Markup(&mut body)).ok()?;
    Some(body.into_bytes())
}

/// Returns the headers of a page, except its content type.
pub(crate) fn headers() -> HeaderMap {
    HeaderMap::from_iter([
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(shell::POLICY),
        ),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ])
}
