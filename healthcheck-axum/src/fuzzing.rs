//! The parsers of what clients send, for `cargo fuzz`, which alone sets the `cfg` of this file.

use axum::http::header::ACCEPT;
use axum::http::{HeaderMap, HeaderValue};

use crate::http::accept::accepted;
use crate::http::negotiation::FormatRequest;
use crate::http::query::Query;
use crate::render::{Endpoint, Formats};

/// What a query asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of the query's own fields")]
pub struct Asked {
    pub checks: Vec<String>,
    pub tags: Vec<String>,
    pub excluded: Vec<String>,
    pub format: Option<String>,
    pub verbose: bool,
}

/// Reads a query; `None` where it is refused.
pub fn query(raw: &str) -> Option<Asked> {
    let query = Query::parse(raw).ok()?;
    Some(Asked {
        checks: query.checks,
        tags: query.tags,
        excluded: query.excluded,
        format: query.format,
        verbose: query.verbose,
    })
}

/// The media ranges of an `Accept` header, each with its weight in thousandths.
pub fn accept(header: &str) -> Vec<(&str, &str, u16)> {
    accepted(header).collect()
}

/// The name of the form that an `Accept` header leads to; `None` for bytes that HTTP has no header of.
pub fn negotiate(header: &[u8]) -> Option<String> {
    let formats = Formats::default();
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_bytes(header).ok()?);
    let request = FormatRequest {
        format: None,
        verbose: false,
        headers: &headers,
        on: Endpoint::Health,
    };
    let choice = formats.choose(&request).ok()?;
    Some(formats.name(choice.form).to_owned())
}
