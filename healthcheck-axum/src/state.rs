//! Everything the routes share, and how each of them comes to its answer.

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use healthcheck::{EnvironmentDump, HealthCheck, Selection};

use crate::access::Access;
use crate::answer::{self, Answers, Details};
use crate::json;
use crate::paths::{CHECK, SECTION};
use crate::probe::{Kind, Probe};
use crate::problem;
use crate::query::Query;

pub(crate) struct State {
    pub(crate) health: HealthCheck,
    pub(crate) whole: Probe,
    pub(crate) liveness: Probe,
    pub(crate) readiness: Probe,
    pub(crate) startup: Probe,
    pub(crate) answers: Answers,
    pub(crate) details_access: Access,
    pub(crate) environment: Option<EnvironmentDump>,
    pub(crate) environment_access: Access,
}

impl State {
    /// The answer of a whole probe while nothing is due: no waiting, no parsing, no rendering.
    pub(crate) fn fresh(&self, kind: Kind, head: &Parts) -> Option<Response> {
        if head.uri.query().is_some_and(|query| !query.is_empty()) {
            return None;
        }
        let probe = self.probe(kind);
        let report = self.health.fresh(&probe.selection)?;
        Some(
            probe
                .rendered(&self.answers, report, self.shows_details(head))
                .response(),
        )
    }

    /// A probe, or the part of it that the query asks for.
    pub(crate) async fn probed(&self, kind: Kind, head: &Parts) -> Response {
        let probe = self.probe(kind);
        let query = match Query::parse(head.uri.query().unwrap_or_default()) {
            Ok(query) => query,
            Err(error) => return problem::bad_query(error),
        };
        if query.selects() {
            let selection = query.within(&probe.selection);
            return self.selected(probe, &selection, &query, head).await;
        }
        match self.health.report_within(&probe.selection, probe.budget).await {
            Ok(report) => probe
                .rendered(&self.answers, report, self.shows_details(head))
                .response(),
            Err(error) => problem::unknown_selection(&error),
        }
    }

    /// One check of a probe.
    pub(crate) async fn one_check(&self, kind: Kind, head: &mut Parts) -> Response {
        let probe = self.probe(kind);
        let Some(name) = parameter(head, CHECK).await else {
            return problem::bad_path();
        };
        let query = match Query::parse(head.uri.query().unwrap_or_default()) {
            Ok(query) => query,
            Err(error) => return problem::bad_query(error),
        };
        // The path and the query intersect, as a probe and the query do.
        if !self.is_chosen(&name, &query) {
            return problem::not_chosen(&name);
        }
        let selection = query.excluding(probe.selection.clone().only(&name));
        self.selected(probe, &selection, &query, head).await
    }

    /// The environment page.
    pub(crate) async fn environment(&self) -> Response {
        let Some(dump) = &self.environment else {
            return problem::no_environment();
        };
        answer::json(StatusCode::OK, json::of_environment(&dump.collect().await))
    }

    /// One section of it.
    pub(crate) async fn section(&self, head: &mut Parts) -> Response {
        let Some(dump) = &self.environment else {
            return problem::no_environment();
        };
        let Some(name) = parameter(head, SECTION).await else {
            return problem::bad_path();
        };
        match dump.collect_section(&name).await {
            Some(value) => answer::json(StatusCode::OK, json::of_value(&value)),
            None => problem::unknown_section(&name, dump.names()),
        }
    }

    /// The last transitions.
    pub(crate) fn history(&self) -> Response {
        answer::json(StatusCode::OK, json::of_history(self.health.history()))
    }

    async fn selected(&self, probe: &Probe, selection: &Selection, query: &Query, head: &Parts) -> Response {
        match self.health.report_within(selection, probe.budget).await {
            Ok(report) => {
                let details = if self.shows_details(head) {
                    Details::Shown
                } else {
                    Details::Withheld(&query.excluded)
                };
                self.answers.render(probe.kind, report, details).response()
            }
            Err(error) => problem::unknown_selection(&error),
        }
    }

    /// Whether a query leaves in what its path asks for.
    fn is_chosen(&self, name: &str, query: &Query) -> bool {
        if query.checks.is_empty() && query.tags.is_empty() || query.checks.iter().any(|check| check == name)
        {
            return true;
        }
        let mut checks = self.health.checks();
        checks.find(|check| check.name() == name).is_none_or(|check| {
            let tags = &check.options().tags;
            tags.iter().any(|own| query.tags.iter().any(|tag| tag == own))
        })
    }

    fn shows_details(&self, head: &Parts) -> bool {
        self.details_access.admit(head).is_ok()
    }

    const fn probe(&self, kind: Kind) -> &Probe {
        match kind {
            Kind::Health => &self.whole,
            Kind::Liveness => &self.liveness,
            Kind::Readiness => &self.readiness,
            Kind::Startup => &self.startup,
        }
    }
}

/// A parameter of the path by its name, since under `nest("/{tenant}", …)` it isn't the only one. The last one of that
/// name is ours. `None`: it isn't UTF-8 once it is decoded.
async fn parameter(head: &mut Parts, name: &str) -> Option<String> {
    let parameters = RawPathParams::from_request_parts(head, &()).await.ok()?;
    let ours = parameters.iter().filter(|(key, _)| *key == name);
    ours.last().map(|(_, value)| value.to_owned())
}
