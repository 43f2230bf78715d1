//! A request, read once: what it asks for, and the form of its answer.

use axum::http::request::Parts;
use axum::http::{HeaderValue, Method};
use healthcheck::Selection;

use super::negotiation::FormatRequest;
use super::problem::Problem;
use super::query::Query;
use crate::access::Access;
use crate::kind::Kind;
use crate::render::{Choice, Endpoint, Formats};

/// What lies at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Probe(Kind),
    /// One check of a probe.
    Check(Kind),
    History,
    Environment,
    Section,
    #[cfg(feature = "openapi")]
    OpenApi,
    /// Any other path of a server that serves nothing else.
    Nothing,
}

impl Target {
    pub(crate) fn takes(self, method: &Method) -> bool {
        match *method {
            Method::GET | Method::HEAD => true,
            // HAProxy's `option httpchk` asks with it.
            Method::OPTIONS => matches!(self, Self::Probe(_) | Self::Check(_)),
            _ => false,
        }
    }

    /// The value of `Allow`.
    pub(crate) fn allowed(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Probe(_) | Self::Check(_) => "GET, HEAD, OPTIONS",
            _ => "GET, HEAD",
        })
    }

    const fn endpoint(self) -> Endpoint {
        match self {
            Self::Probe(kind) | Self::Check(kind) => Endpoint::of(kind),
            _ => Endpoint::Environment,
        }
    }
}

/// A request for a report or for a page.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) target: Target,
    /// The check or the section that the path names.
    pub(crate) name: Option<String>,
    pub(crate) query: Query,
    pub(crate) choice: Choice,
    /// Whether the caller may see what the checks say.
    pub(crate) details: bool,
}

impl Ask {
    pub(crate) fn read(
        target: Target,
        head: &Parts,
        formats: &Formats,
        details: &Access,
    ) -> Result<Self, Problem> {
        let names_one = matches!(target, Target::Check(_) | Target::Section);
        let name = names_one.then(|| last_segment(head.uri.path())).transpose()?;
        let query = match head.uri.query() {
            None | Some("") => Query::NONE,
            Some(raw) => Query::parse(raw)?,
        };
        let choice = formats.choose(&FormatRequest {
            format: query.format.as_deref(),
            verbose: query.verbose,
            headers: &head.headers,
            on: target.endpoint(),
        })?;
        let is_report = matches!(target, Target::Probe(_) | Target::Check(_));
        Ok(Self {
            target,
            name,
            query,
            choice,
            details: is_report && details.admit(head).is_ok(),
        })
    }

    /// Whether `Accept` had a say in the form.
    pub(crate) const fn by_accept(&self) -> bool {
        self.query.leaves_form_to_accept()
    }

    /// Whether the request is for all of a probe.
    pub(crate) const fn is_whole(&self) -> bool {
        self.name.is_none() && !self.query.selects()
    }

    /// The part of a probe that the request is for.
    pub(crate) fn within(&self, probe: &Selection) -> Selection {
        match &self.name {
            Some(check) => self.query.excluding(probe.clone().only(check)),
            None => self.query.within(probe),
        }
    }
}

/// The name at the end of a path.
fn last_segment(path: &str) -> Result<String, Problem> {
    let (_, segment) = path.rsplit_once('/').unwrap_or(("", path));
    let decoded = percent_encoding::percent_decode_str(segment).decode_utf8();
    Ok(decoded.map_err(|_| Problem::bad_path())?.into_owned())
}
