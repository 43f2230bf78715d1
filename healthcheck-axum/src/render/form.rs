//! Identifies a format and its level of detail, and decides which formats an endpoint has.

use axum::http::HeaderValue;

use crate::kind::ProbeKind;

/// The content type of the formats `json`, `microprofile` and `aspnet`.
pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A format, as its index in the list of all formats (`Formats`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Form(pub(super) usize);

impl Form {
    pub(crate) const JSON: Self = Self(0);
    pub(crate) const TEXT: Self = Self(2);
    pub(crate) const HTML: Self = Self(3);
    pub(crate) const OPENMETRICS: Self = Self(4);
    pub(crate) const PROMETHEUS: Self = Self(5);

    pub(crate) const fn is_metrics(self) -> bool {
        matches!(self, Self::OPENMETRICS | Self::PROMETHEUS)
    }

    /// Returns whether an endpoint of the kind `on` can answer in this format.
    pub(crate) const fn is_to_be_had(self, on: Endpoint) -> bool {
        match on {
            Endpoint::Health => true,
            Endpoint::Probe => !self.is_metrics(),
            Endpoint::Environment => matches!(self, Self::JSON | Self::HTML),
            Endpoint::Problem => matches!(self, Self::JSON | Self::TEXT | Self::HTML),
        }
    }
}

/// The kind of an answer. The kind decides which formats a request can select.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// A report of the health path, or of a single check below that path.
    Health,
    /// A report of a probe, in any format except metrics.
    ///
    /// An answer with metrics always has the status code 200. If a probe requested metrics, it would never fail.
    Probe,
    /// The environment page, one of its sections, or the history. None of these answers is a report.
    Environment,
    /// An error response.
    Problem,
}

impl Endpoint {
    pub(crate) const fn of(kind: ProbeKind) -> Self {
        match kind {
            ProbeKind::Health => Self::Health,
            ProbeKind::Liveness | ProbeKind::Readiness | ProbeKind::Startup => Self::Probe,
        }
    }
}

/// How much detail an answer shows. Of the built-in formats, only `text` looks different in each style.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Style {
    #[default]
    Brief,
    Verbose,
    /// Like `Verbose`, but with the worst results at the end, for clients that keep only the end of the body.
    WorstLast,
}

/// The format and style of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) form: Form,
    pub(crate) style: Style,
}

impl Choice {
    pub(crate) const JSON: Self = Self {
        form: Form::JSON,
        style: Style::Brief,
    };
}
