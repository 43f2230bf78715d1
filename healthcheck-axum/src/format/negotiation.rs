//! Which form an answer takes: `?format=` first, then `Accept`, then JSON. Never 406.

use std::fmt;

use axum::http::header::ACCEPT;
use axum::http::{HeaderMap, HeaderValue};

use super::accept::{Range, ranges};
use super::form::{Endpoint, Form, Style};
use super::formats::{Acceptability, Formats};

/// What a request says about the form of its answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FormatRequest<'a> {
    /// `?format=`
    pub(crate) format: Option<&'a str>,
    /// `?verbose`
    pub(crate) verbose: bool,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) on: Endpoint,
}

/// The form that an answer takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) form: Form,
    pub(crate) style: Style,
}

/// A `?format=` that isn't to be had here.
#[derive(Debug)]
pub(crate) struct UnknownFormat {
    asked: String,
    known: Vec<String>,
    elsewhere: bool,
}

impl Choice {
    pub(crate) const JSON: Self = Self {
        form: Form::JSON,
        style: Style::Brief,
    };
}

impl Formats {
    /// The form for a request.
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

    /// What the `Accept` header likes best, by quality, then by how closely it names a form, then by its own order.
    fn accepted(&self, request: &FormatRequest<'_>) -> Choice {
        let Some(first) = request.headers.get(ACCEPT) else {
            return Choice::JSON;
        };
        // What most probes and clients send needs no reading.
        let is_plain = matches!(first.as_bytes(), b"*/*" | b"application/json");
        if is_plain && request.headers.get_all(ACCEPT).iter().nth(1).is_none() {
            return Choice::JSON;
        }
        let all = || {
            request
                .headers
                .get_all(ACCEPT)
                .iter()
                .filter_map(text)
                .flat_map(ranges)
        };
        let best = self
            .forms()
            .filter(|form| form.is_to_be_had(request.on))
            .filter_map(|form| Some((form, match_score(self.acceptability(form), all())?)))
            // Of equals the last is taken: backwards it is the first.
            .rev()
            .max_by_key(|(_, match_score)| *match_score);
        let Some((form, _)) = best else {
            return Choice::JSON;
        };
        // Consul: `text/plain, text/*, */*`. Alone, `text/plain` is somebody who wants one word.
        let style = if form == Form::TEXT && all().any(|range| range.is_wild() && range.quality > 0) {
            Style::WorstLast
        } else {
            Style::Brief
        };
        Choice { form, style }
    }
}

/// How much a header likes a form. In the order of the fields: the greater, the better.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct MatchScore {
    quality: u16,
    closeness: u8,
    earliness: std::cmp::Reverse<usize>,
}

/// `None` where the header doesn't name the form, or refuses it.
fn match_score<'a>(
    acceptability: &Acceptability,
    ranges: impl Iterator<Item = Range<'a>>,
) -> Option<MatchScore> {
    let matching = ranges.enumerate().filter_map(|(position, range)| {
        Some(MatchScore {
            quality: range.quality,
            closeness: acceptability.closeness(&range)?,
            earliness: std::cmp::Reverse(position),
        })
    });
    // The closest range decides, also where it says 0.
    let closest = matching
        .max_by_key(|match_score| (match_score.closeness, match_score.quality, match_score.earliness));
    closest.filter(|match_score| match_score.quality > 0)
}

fn text(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok()
}

impl UnknownFormat {
    /// The names that would be answered here.
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
