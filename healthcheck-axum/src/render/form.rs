//! Identifies a format and its style, and decides which endpoint has which formats.

use axum::http::HeaderValue;

use crate::kind::ProbeKind;

/// The content type of the formats that are plain JSON.
pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The index of a format in its `Formats`.
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

    /// Returns whether an endpoint of this kind has the format.
    pub(crate) const fn is_to_be_had(self, on: Endpoint) -> bool {
        match on {
            Endpoint::Health => true,
            Endpoint::Probe => !self.is_metrics(),
            Endpoint::Environment => matches!(self, Self::JSON | Self::HTML),
            Endpoint::Problem => matches!(self, Self::JSON | Self::TEXT | Self::HTML),
        }
    }
}

/// The kind of an answer. It decides which formats are available.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// The health path, and the paths below it.
    Health,
    /// A probe. It has all formats except metrics. Metrics are always sent with the status 200, so a probe of them
    /// would never fail.
    Probe,
    /// The environment or the history. Their content isn't a report.
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

/// How much detail a format shows. Of the built-in formats only text distinguishes styles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Style {
    #[default]
    Brief,
    Verbose,
    /// Verbose, with the worst results at the end, for clients that keep only the end of the body.
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
