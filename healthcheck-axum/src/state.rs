//! Everything the routes share, and how each of them comes to its answer.

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use healthcheck::{EnvironmentDump, HealthCheck, Selection};

use crate::access::Access;
use crate::answer::{self, Answers, RenderContext, Rendered};
use crate::details::Details;
use crate::format::{Choice, Endpoint, FormatRequest, PageContext, UnknownFormat, html};
use crate::json;
use crate::kind::Kind;
use crate::paths::{CHECK, Paths, SECTION};
use crate::probe::Probe;
use crate::problem::Problem;
use crate::query::Query;
use crate::scrape::{self, Scrape};

/// No query: the whole of a probe.
static WHOLE: Query = Query::NONE;

pub(crate) struct State {
    pub(crate) health: HealthCheck,
    pub(crate) whole: Probe,
    pub(crate) liveness: Probe,
    pub(crate) readiness: Probe,
    pub(crate) startup: Probe,
    pub(crate) answers: Answers,
    pub(crate) details_access: Access,
    pub(crate) scrape: Scrape,
    pub(crate) paths: Paths,
    /// The version of the binary.
    #[cfg(feature = "openapi")]
    pub(crate) openapi: Option<axum::body::Bytes>,
    pub(crate) environment: Option<EnvironmentDump>,
    pub(crate) environment_access: Access,
    /// Whether the environment page shows variables and arguments by name alone, since nobody said who reads it.
    pub(crate) variables_are_hidden: bool,
}

impl State {
    /// The answer of a whole probe while nothing is due: no waiting, no parsing of a query, no rendering.
    pub(crate) fn fresh(&self, kind: Kind, head: &Parts) -> Option<Arc<Rendered>> {
        if head.uri.query().is_some_and(|query| !query.is_empty()) {
            return None;
        }
        let choice = self.choice(Endpoint::of(kind), &WHOLE, head).ok()?;
        if choice.form.is_metrics() {
            return None;
        }
        let probe = self.probe(kind);
        let report = self.health.fresh(&probe.selection)?;
        let subject = self.subject(kind, None, &WHOLE, head);
        Some(probe.rendered(&self.answers, report, choice, subject))
    }

    /// A probe, or the part of it that the query asks for.
    pub(crate) async fn probed(&self, kind: Kind, head: &Parts) -> Result<Response, Problem> {
        let probe = self.probe(kind);
        let query = Query::parse(head.uri.query().unwrap_or_default())?;
        let choice = self.choice(Endpoint::of(kind), &query, head)?;
        if query.selects() || choice.form.is_metrics() {
            let selection = query.within(&probe.selection);
            return self.selected(probe, &selection, choice, None, &query, head).await;
        }
        let report = self.health.report_within(&probe.selection, probe.budget).await?;
        let subject = self.subject(kind, None, &query, head);
        let rendered = probe.rendered(&self.answers, report, choice, subject);
        Ok(rendered.response(query.leaves_form_to_accept()))
    }

    /// One check of a probe.
    pub(crate) async fn one_check(&self, kind: Kind, head: &mut Parts) -> Result<Response, Problem> {
        let probe = self.probe(kind);
        let name = parameter(head, CHECK).await.ok_or_else(Problem::bad_path)?;
        let query = Query::parse(head.uri.query().unwrap_or_default())?;
        let choice = self.choice(Endpoint::of(kind), &query, head)?;
        // The path and the query intersect, as a probe and the query do.
        if !self.is_chosen(&name, &query) {
            return Err(Problem::not_chosen(&name));
        }
        let selection = query.excluding(probe.selection.clone().only(&name));
        self.selected(probe, &selection, choice, Some(&name), &query, head)
            .await
    }

    /// The environment page.
    pub(crate) async fn environment(&self, head: &Parts) -> Result<Response, Problem> {
        let dump = self.environment.as_ref().ok_or_else(Problem::no_environment)?;
        let query = Query::parse(head.uri.query().unwrap_or_default())?;
        let choice = self.choice(Endpoint::Environment, &query, head)?;
        let sections = dump.collect().await;
        Ok(answer::either(
            choice,
            query.leaves_form_to_accept(),
            || json::of_environment(&sections),
            || html::of_environment(&self.paths, &sections, self.variables_are_hidden),
        ))
    }

    /// One section of it.
    pub(crate) async fn section(&self, head: &mut Parts) -> Result<Response, Problem> {
        let dump = self.environment.as_ref().ok_or_else(Problem::no_environment)?;
        let name = parameter(head, SECTION).await.ok_or_else(Problem::bad_path)?;
        match dump.collect_section(&name).await {
            Some(value) => Ok(answer::json(StatusCode::OK, json::of_value(&value))),
            None => Err(Problem::unknown_section(&name, dump.names())),
        }
    }

    /// The last transitions.
    pub(crate) fn history(&self, head: &Parts) -> Result<Response, Problem> {
        let query = Query::parse(head.uri.query().unwrap_or_default())?;
        let choice = self.choice(Endpoint::Environment, &query, head)?;
        let history = self.health.history();
        Ok(answer::either(
            choice,
            query.leaves_form_to_accept(),
            || json::of_history(history.clone()),
            || html::of_history(&self.paths, self.environment.is_some(), &history),
        ))
    }

    /// What was wrong with a request, as far as this caller may know it.
    pub(crate) fn problem(&self, problem: Problem, head: &Parts) -> Response {
        let withheld = self.answers.details == Details::Overall && self.details_access.admit(head).is_err();
        let problem = if withheld {
            problem.without_names()
        } else {
            problem
        };
        let ours = (&self.paths, self.environment.is_some());
        problem.response(&self.answers.formats, Some(ours), head)
    }

    /// What OpenAPI has to say of all this.
    #[cfg(feature = "openapi")]
    pub(crate) fn openapi(&self) -> Response {
        answer::json(StatusCode::OK, self.openapi.clone().unwrap_or_default())
    }

    async fn selected(
        &self,
        probe: &Probe,
        selection: &Selection,
        choice: Choice,
        check: Option<&str>,
        query: &Query,
        head: &Parts,
    ) -> Result<Response, Problem> {
        let mut subject = self.subject(probe.kind, check, query, head);
        let by_accept = query.leaves_form_to_accept();
        if choice.form.is_metrics() {
            let (report, wholes) = scrape::read(&self.health, selection).await?;
            subject.context.wholes = Some(&wholes);
            return Ok(if check.is_some() || query.selects() {
                self.answers.render(report, choice, subject).response(by_accept)
            } else {
                let rendered = self.scrape.rendered(&self.answers, choice, subject, &wholes);
                rendered.response(by_accept)
            });
        }
        let report = self.health.report_within(selection, probe.budget).await?;
        Ok(self.answers.render(report, choice, subject).response(by_accept))
    }

    fn choice(&self, on: Endpoint, query: &Query, head: &Parts) -> Result<Choice, UnknownFormat> {
        self.answers.formats.choose(&FormatRequest {
            format: query.format.as_deref(),
            verbose: query.verbose,
            headers: &head.headers,
            on,
        })
    }

    fn subject<'a>(
        &'a self,
        kind: Kind,
        check: Option<&'a str>,
        query: &'a Query,
        head: &Parts,
    ) -> RenderContext<'a> {
        let context = PageContext {
            kind,
            check,
            query,
            paths: &self.paths,
            with_environment: self.environment.is_some(),
            wholes: None,
        };
        RenderContext {
            health: &self.health,
            context,
            details: self.details_access.admit(head).is_ok(),
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
