//! Parses a request once: its target, its query and the format of its answer.

use axum::http::Method;
use axum::http::request::Parts;
use healthcheck::Selection;

use super::answer::METHODS_OF_REPORTS;
use super::negotiation::FormatRequest;
use super::problem::Problem;
use super::query::{NO_PARAMETERS, Query};
use crate::access::Access;
use crate::kind::ProbeKind;
use crate::render::{Choice, Endpoint, Formats};

/// The endpoint that a path belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Probe(ProbeKind),
    /// One check of a probe.
    Check(ProbeKind),
    History,
    Environment,
    Section,
    #[cfg(feature = "openapi")]
    OpenApi,
    /// No endpoint has this path. Only a server that serves nothing but the endpoints gets such requests.
    Nothing,
}

impl Target {
    /// Returns whether this target answers requests with this method.
    pub(crate) fn takes(self, method: &Method) -> bool {
        match *method {
            Method::GET | Method::HEAD => true,
            // HAProxy's `option httpchk` sends `OPTIONS` by default.
            Method::OPTIONS => matches!(self, Self::Probe(_) | Self::Check(_)),
            _ => false,
        }
    }

    /// Returns the HTTP methods that this target accepts, as the value of the header `Allow`.
    pub(crate) const fn allowed(self) -> &'static str {
        match self {
            Self::Probe(_) | Self::Check(_) => METHODS_OF_REPORTS,
            _ => "GET, HEAD",
        }
    }

    const fn endpoint(self) -> Endpoint {
        match self {
            Self::Probe(kind) | Self::Check(kind) => Endpoint::of(kind),
            _ => Endpoint::Environment,
        }
    }
}

/// A parsed request for a report or for a page.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) target: Target,
    /// The check or the section that the path names.
    pub(crate) name: Option<String>,
    /// `None` if the request has no query. The box keeps `Ask` small, since most requests have none.
    query: Option<Box<Query>>,
    pub(crate) choice: Choice,
    /// Whether the caller may see the outputs of the checks.
    pub(crate) details: bool,
}

impl Ask {
    /// Parses a request.
    #[inline]
    pub(crate) fn read(
        target: Target,
        head: &Parts,
        formats: &Formats,
        details: &Access,
    ) -> Result<Self, Problem> {
        let names_one = matches!(target, Target::Check(_) | Target::Section);
        let name = names_one.then(|| last_segment(head.uri.path())).transpose()?;
        let query = match head.uri.query() {
            None | Some("") => None,
            Some(raw) => Some(Box::new(Query::parse(raw)?)),
        };
        let parameters = query.as_deref().unwrap_or(&NO_PARAMETERS);
        let choice = formats.choose(&FormatRequest {
            format: parameters.format.as_deref(),
            verbose: parameters.verbose,
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

    /// Returns the query. It is empty if the request has none.
    pub(crate) fn query(&self) -> &Query {
        self.query.as_deref().unwrap_or(&NO_PARAMETERS)
    }

    /// Returns whether the header `Accept` decides the format.
    pub(crate) fn by_accept(&self) -> bool {
        self.query
            .as_ref()
            .is_none_or(|query| query.leaves_form_to_accept())
    }

    /// Returns whether the request asks for all checks of a probe.
    pub(crate) fn is_whole(&self) -> bool {
        self.name.is_none() && !self.query.as_ref().is_some_and(|query| query.selects())
    }

    /// Returns the checks of this probe that the request asks for.
    pub(crate) fn within(&self, probe: &Selection) -> Selection {
        match &self.name {
            Some(check) => self.query().excluding(probe.clone().only(check)),
            None => self.query().within(probe),
        }
    }
}

/// Returns the last segment of a path, percent-decoded.
fn last_segment(path: &str) -> Result<String, Problem> {
    let (_, segment) = path.rsplit_once('/').unwrap_or(("", path));
    let decoded = percent_encoding::percent_decode_str(segment).decode_utf8();
    Ok(decoded.map_err(|_| Problem::bad_path())?.into_owned())
}
