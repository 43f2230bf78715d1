//! Which forms there are for what a request is about, and how much they say.

use axum::http::HeaderValue;

use crate::kind::Kind;

/// The content type of the forms that are plain JSON.
pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// One of the forms, as long as its `Formats` live.
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

    pub(crate) const fn is_to_be_had(self, on: Endpoint) -> bool {
        match on {
            Endpoint::Health => true,
            Endpoint::Probe => !self.is_metrics(),
            Endpoint::Environment => matches!(self, Self::JSON | Self::HTML),
            Endpoint::Problem => matches!(self, Self::JSON | Self::TEXT | Self::HTML),
        }
    }
}

/// What a request is about, which decides the forms that are to be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// The health path, and below it.
    Health,
    /// A probe: all forms but metrics, which are always answered 200, so that it would be always ready.
    Probe,
    /// The environment and the history, which are no report.
    Environment,
    /// What was wrong with a request.
    Problem,
}

impl Endpoint {
    pub(crate) const fn of(kind: Kind) -> Self {
        match kind {
            Kind::Health => Self::Health,
            Kind::Liveness | Kind::Readiness | Kind::Startup => Self::Probe,
        }
    }
}

/// How much a form says that can say more or less; of the built-in ones only text can.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Style {
    #[default]
    Brief,
    Verbose,
    /// Verbose, with the worst at the end: for readers that keep the end only.
    WorstLast,
}

/// The form that an answer takes.
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
