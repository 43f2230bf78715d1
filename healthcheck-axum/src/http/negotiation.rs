//! Chooses the format of an answer. If the query has no `?format=`, the header `Accept` decides. If no format matches
//! `Accept`, the format is JSON, so no request gets 406.

use std::fmt;

use axum::http::header::ACCEPT;
use axum::http::{HeaderMap, HeaderValue};

use super::accept::{Range, ranges};
use super::headers::values;
use crate::render::{Acceptability, Choice, Endpoint, Form, Formats, Style};

/// The parts of a request that decide the format of its answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FormatRequest<'a> {
    /// The value of `?format=`.
    pub(crate) format: Option<&'a str>,
    /// Whether the query has `?verbose`.
    pub(crate) verbose: bool,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) on: Endpoint,
}

/// An error: this endpoint has no format with the name in `?format=`.
#[derive(Debug)]
pub(crate) struct UnknownFormat {
    asked: String,
    known: Vec<String>,
    /// Whether another endpoint has the format.
    elsewhere: bool,
}

impl Formats {
    /// Chooses the format for a request.
    #[inline]
    pub(crate) fn choose(&self, request: &FormatRequest<'_>) -> Result<Choice, UnknownFormat> {
        let style = if request.verbose {
            Style::Verbose
        } else {
            Style::Brief
        };
        if let Some(asked) = request.format {
            return match self.named(asked) {
                Some(form) if form.is_to_be_had(request.on) => Ok(Choice { form, style }),
                found => Err(UnknownFormat {
                    asked: asked.to_owned(),
                    known: self.names(request.on).map(str::to_owned).collect(),
                    elsewhere: found.is_some(),
                }),
            };
        }
        if request.verbose && request.on != Endpoint::Environment {
            let form = Form::TEXT;
            return Ok(Choice { form, style });
        }
        Ok(self.accepted(request))
    }

    /// Returns the format that fits the header `Accept` best. The format with the highest quality wins.
    ///
    /// If several formats have the same quality, the one that a range names most closely wins. If several formats are
    /// equally close, the one whose range comes first in the header wins.
    fn accepted(&self, request: &FormatRequest<'_>) -> Choice {
        let accepted = || values(request.headers, ACCEPT);
        // Most clients send no `Accept`, or one of these two values. These cases need no parsing.
        let is_plain = |value: &HeaderValue| matches!(value.as_bytes(), b"*/*" | b"application/json");
        let mut rest = accepted();
        match rest.next() {
            None => return Choice::JSON,
            Some(first) if is_plain(first) && rest.next().is_none() => return Choice::JSON,
            Some(_) => {}
        }
        let all = || accepted().filter_map(text).flat_map(ranges);
        let best = self
            .forms()
            .filter(|form| form.is_to_be_had(request.on))
            .filter_map(|form| Some((form, match_score(self.acceptability(form), all())?)))
            // `max_by_key` returns the last of several equal formats. After `rev` this is the first one, as intended.
            .rev()
            .max_by_key(|(_, match_score)| *match_score);
        let Some((form, _)) = best else {
            return Choice::JSON;
        };
        // Consul sends `text/plain, text/*, */*`. It keeps only the end of a body, so the body ends with the worst
        // results.
        //
        // A person at a shell wants a single word, and sends `text/plain` without a wildcard.
        let style = if form == Form::TEXT && all().any(|range| range.is_wild() && range.quality > 0) {
            Style::WorstLast
        } else {
            Style::Brief
        };
        Choice { form, style }
    }
}

/// How well a header matches a format. The derived order compares the fields from top to bottom; greater is better.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct MatchScore {
    quality: u16,
    closeness: u8,
    earliness: std::cmp::Reverse<usize>,
}

/// Returns how well the ranges of a header match a format, or `None` if the format is refused: no range matches it, or
/// the closest range has the quality 0.
fn match_score<'a>(
    acceptability: &Acceptability,
    ranges: impl Iterator<Item = Range<'a>>,
) -> Option<MatchScore> {
    let matching = ranges.enumerate().filter_map(|(position, range)| {
        Some(MatchScore {
            quality: range.quality,
            closeness: closeness(acceptability, &range)?,
            earliness: std::cmp::Reverse(position),
        })
    });
    // The closest range decides, even if its quality is 0: `text/html;q=0, */*` refuses HTML.
    let closest = matching
        .max_by_key(|match_score| (match_score.closeness, match_score.quality, match_score.earliness));
    closest.filter(|match_score| match_score.quality > 0)
}

/// Returns how closely a range names a format, from 0 for `*/*` to 3, or `None` if the range doesn't match.
fn closeness(acceptability: &Acceptability, range: &Range<'_>) -> Option<u8> {
    let (media, wild, versioned) = match acceptability {
        Acceptability::Wild(media) => (&**media, true, false),
        Acceptability::Named(media) => (&**media, false, false),
        Acceptability::Versioned(media) => (*media, false, true),
        Acceptability::Nothing => return None,
    };
    let (kind, subkind) = media.split_once('/')?;
    if range.kind == "*" {
        return wild.then_some(0);
    }
    if !range.kind.eq_ignore_ascii_case(kind) {
        return None;
    }
    if range.subkind == "*" {
        return wild.then_some(1);
    }
    if !range.subkind.eq_ignore_ascii_case(subkind) {
        return None;
    }
    // `text/plain` with a version means Prometheus' text format. Without a version it means our own text.
    if media == "text/plain" && range.versioned != versioned {
        return None;
    }
    Some(if range.versioned { 3 } else { 2 })
}

fn text(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok()
}

impl UnknownFormat {
    /// Returns the names of the formats that this endpoint has.
    pub(crate) fn known(&self) -> &[String] {
        &self.known
    }
}

impl fmt::Display for UnknownFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { asked, known, .. } = self;
        let known = known.join(", ");
        if self.elsewhere {
            return write!(
                f,
                "`{asked}` is a format of the health path alone; the formats here are: {known}"
            );
        }
        write!(f, "unknown format `{asked}`; the formats are: {known}")
    }
}

#[cfg(test)]
#[path = "negotiation_tests.rs"]
mod tests;
