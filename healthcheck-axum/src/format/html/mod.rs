//! The pages for people: one self-contained document each, under a policy that allows its own style and script alone.

use std::fmt;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, header};
use serde_json::{Map, Value};

use super::{Body, Format, Page, body};
use crate::details::LEFT_OUT;
use crate::paths::Paths;

mod environment;
mod history;
mod look;
mod markup;
mod moment;
mod row;
mod shell;
mod status;
mod strip;

use markup::Markup;

/// The status page.
pub(super) struct Html;

/// The content type of the pages.
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

/// The environment page; without its values where it would be too large with them.
pub(crate) fn of_environment(paths: &Paths, sections: &Map<String, Value>) -> Bytes {
    let within = |sections: &Map<String, Value>| {
        let mut body = Body::default();
        let written: fmt::Result = environment::write(paths, sections, &mut Markup(&mut body));
        written.ok().map(|()| body.into_bytes())
    };
    within(sections).unwrap_or_else(|| {
        let mut notes = Map::new();
        notes.extend(sections.keys().map(|name| (name.clone(), LEFT_OUT.into())));
        within(&notes).unwrap_or_default()
    })
}

/// What a page needs beside its content type.
pub(crate) fn headers() -> HeaderMap {
    HeaderMap::from_iter([
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(shell::POLICY),
        ),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ])
}
