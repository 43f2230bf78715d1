//! Exposes the parsers of client input to the fuzz targets. This file is compiled only with `cfg(fuzzing)`, which
//! `cargo fuzz` sets.

use axum::http::header::ACCEPT;
use axum::http::{HeaderMap, HeaderValue};

use crate::http::accept::accepted;
use crate::http::negotiation::FormatRequest;
use crate::http::query::Query;
use crate::render::{Endpoint, Formats};

/// A parsed query.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of the query's own fields")]
pub struct Asked {
    pub checks: Vec<String>,
    pub tags: Vec<String>,
    pub excluded: Vec<String>,
    pub format: Option<String>,
    pub verbose: bool,
}

/// Parses a query string. Returns `None` if the parser refuses the query.
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

/// Returns the media ranges of an `Accept` header. Each media range has its type, its subtype, and its weight in
/// thousandths.
pub fn accept(header: &str) -> Vec<(&str, &str, u16)> {
    accepted(header).collect()
}

/// Returns the name of the format that an `Accept` header selects on the health path. Returns `None` if `header` isn't
/// a valid header value.
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
