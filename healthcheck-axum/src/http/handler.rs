//! The state that all routes share, and the steps from a request to its answer.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::request::Parts;
use axum::http::{Method, Response, StatusCode, Version, header};
use healthcheck::upstream_loops::{Asked, VIA};
use healthcheck::{EnvironmentDump, HealthCheck, Selection, SelectionError};

use super::answer::{self, Answers, Cached, Finish, RenderContext, Rendered};
use super::ask::{Ask, Target};
use super::cache::{Cache, Key, Shown};
use super::problem::Problem;
use crate::access::Access;
use crate::access::details::Details;
use crate::kind::ProbeKind;
use crate::paths::Paths;
use crate::render::{PageContext, Wholes, html, plain};
use crate::service::Service;

/// Answers every request to the endpoints. All routes share one handler.
pub(crate) struct Handler {
    pub(crate) health: HealthCheck,
    pub(crate) whole: Probe,
    pub(crate) liveness: Probe,
    pub(crate) readiness: Probe,
    pub(crate) startup: Probe,
    pub(crate) answers: Answers,
    pub(crate) cache: Cache,
    pub(crate) details_access: Access,
    pub(crate) paths: Paths,
    pub(crate) service: Service,
    #[cfg(feature = "openapi")]
    pub(crate) openapi: Option<Bytes>,
    pub(crate) environment: Option<EnvironmentDump>,
    pub(crate) environment_access: Access,
    /// Whether the environment page shows only the names of variables and arguments, without their values. This is
    /// false if the application chose who may read the page, or if the server is bound to a loopback address.
    pub(crate) variables_are_hidden: bool,
}

/// The configuration of the health path or of a probe's path.
pub(crate) struct Probe {
    pub(crate) selection: Selection,
    /// How long a request to this path may wait for due checks. `None`: until each check has returned or timed out.
    pub(crate) budget: Option<Duration>,
}

/// A parsed request whose answer isn't cached.
pub(crate) enum Uncached {
    /// A CORS preflight.
    Preflight,
    #[cfg(feature = "openapi")]
    OpenApi,
    /// A request for a report or a page. Its answer may have to wait for checks or sections.
    Ask(Ask),
    /// A request that the handler answers with this error.
    Refused(Problem),
}

impl From<Problem> for Uncached {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem)
    }
}

impl Handler {
    /// Returns whether an access rule of this target may read the peer's address. All other rules read only headers.
    pub(crate) fn needs_peer(&self, target: Target) -> bool {
        let is_guarded = matches!(target, Target::History | Target::Environment | Target::Section);
        !self.details_access.reads_headers_alone()
            || is_guarded && !self.environment_access.reads_headers_alone()
    }

    /// Parses a request and looks for a cached answer. If none is valid, returns the parsed request, which
    /// [`answer`](Self::answer) answers.
    pub(crate) fn begin(&self, target: Target, head: &Parts) -> Result<Cached, Uncached> {
        if target == Target::Nothing {
            let there = self.paths.all(self.environment.is_some());
            return Err(Problem::nothing_here(head, there).into());
        }
        if head.method == Method::OPTIONS && head.headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
        {
            return Err(Uncached::Preflight);
        }
        if !target.takes(&head.method) {
            return Err(Problem::method_not_allowed(target.allowed()).into());
        }
        match target {
            #[cfg(feature = "openapi")]
            Target::OpenApi => return Err(Uncached::OpenApi),
            Target::History | Target::Environment | Target::Section => {
                let admitted = self.environment_access.admit(head);
                admitted.map_err(|refusals| Problem::refused(&refusals))?;
            }
            _ => {}
        }
        let ask = Ask::read(target, head, &self.answers.formats, &self.details_access)?;
        match self.fresh(&ask) {
            Some(rendered) => Ok(Cached {
                rendered,
                by_accept: ask.by_accept(),
                finish: self.finish(target, head),
            }),
            None => Err(Uncached::Ask(ask)),
        }
    }

    /// Answers a request for which [`begin`](Self::begin) found no cached answer.
    pub(crate) async fn answer(&self, request: Uncached, target: Target, head: &Parts) -> Response<Bytes> {
        let answer = match request {
            // The answer names the methods that this endpoint accepts. It has no `Access-Control-Allow-*` header, so a
            // browser doesn't let the script of another site send its request.
            Uncached::Preflight => Ok(answer::no_content(target.allowed())),
            #[cfg(feature = "openapi")]
            Uncached::OpenApi => Ok(answer::json(
                StatusCode::OK,
                self.openapi.clone().unwrap_or_default(),
            )),
            Uncached::Ask(ask) => self.try_answer(&ask, head).await,
            Uncached::Refused(problem) => Err(problem),
        };
        let answer = answer.unwrap_or_else(|problem| self.problem(problem, head));
        self.finish(target, head).applied(answer)
    }

    async fn try_answer(&self, ask: &Ask, head: &Parts) -> Result<Response<Bytes>, Problem> {
        // The request header `VIA` has the names of the processes whose upstream checks led to this request. A process
        // that finds its own name in the header refuses the request. While `_asked` exists, the upstream checks of this
        // process send the names on in their own requests.
        let via = head.headers.get(VIA);
        let asked = via.map(|via| Asked::by(via.to_str().unwrap_or_default()));
        let _asked = asked.transpose().map_err(Problem::asked_by_itself)?;
        match ask.target {
            Target::Probe(kind) | Target::Check(kind) => self.report(kind, ask).await,
            Target::Environment => self.environment(ask).await,
            Target::Section => self.section(ask).await,
            _ => Ok(self.history(ask)),
        }
    }

    /// Returns the answer to a request for all checks of a probe, if none of these checks is due.
    fn fresh(&self, ask: &Ask) -> Option<Arc<Rendered>> {
        let Target::Probe(kind) = ask.target else {
            return None;
        };
        if !ask.is_whole() || ask.choice.form.is_metrics() {
            return None;
        }
        let report = self.health.fresh(&self.probe(kind).selection)?;
        let metrics = None;
        Some(self.rendered(kind, ask, Shown { report, metrics }))
    }

    async fn report(&self, kind: ProbeKind, ask: &Ask) -> Result<Response<Bytes>, Problem> {
        let probe = self.probe(kind);
        self.is_chosen(ask)?;
        let selection = ask.within(&probe.selection);
        let shown = if ask.choice.form.is_metrics() {
            self.scrape(&selection).await?
        } else {
            Shown {
                report: self.health.report_within(&selection, probe.budget).await?,
                metrics: None,
            }
        };
        Ok(self.rendered(kind, ask, shown).response(ask.by_accept()))
    }

    /// Collects the reports and counters for a scrape of the metrics. Starts due checks without waiting for them. The
    /// next scrape shows the results of these checks.
    async fn scrape(&self, selection: &Selection) -> Result<Shown, SelectionError> {
        let now = |selection| self.health.report_within(selection, Duration::ZERO);
        // This order matters: the first report starts the due checks before the probes' reports are read.
        let report = now(selection).await?;
        let wholes = Wholes {
            all: now(&Selection::all()).await?,
            liveness: now(&Selection::liveness()).await?,
            readiness: now(&Selection::readiness()).await?,
            startup: now(&Selection::startup()).await?,
        };
        let metrics = Some(Box::new((wholes, self.health.statistics())));
        Ok(Shown { report, metrics })
    }

    /// Returns the cached answer with this content. Otherwise renders the answer, and caches it if it shows all checks
    /// of the probe.
    fn rendered(&self, kind: ProbeKind, ask: &Ask, shown: Shown) -> Arc<Rendered> {
        let key = Key {
            kind,
            choice: ask.choice,
            details: ask.details,
        };
        let is_whole = ask.is_whole();
        if is_whole && let Some(rendered) = self.cache.find(key, &shown) {
            return rendered;
        }
        // Rendering doesn't lock the cache, so other requests don't wait for it. If two requests come at the same time,
        // both may render the same answer.
        let context = RenderContext {
            health: &self.health,
            context: PageContext {
                kind,
                check: ask.name.as_deref(),
                excluded: &ask.query().excluded,
                tags: &ask.query().tags,
                is_whole,
                paths: &self.paths,
                service: &self.service,
                with_environment: self.environment.is_some(),
                wholes: shown.metrics.as_deref().map(|(wholes, _)| wholes),
            },
            details: ask.details,
        };
        let rendered = Arc::new(self.answers.render(&shown.report, ask.choice, context));
        if is_whole {
            self.cache.keep(key, shown, Arc::clone(&rendered));
        }
        rendered
    }

    async fn environment(&self, ask: &Ask) -> Result<Response<Bytes>, Problem> {
        let dump = self.environment.as_ref().ok_or_else(Problem::no_environment)?;
        let sections = dump.collect().await;
        Ok(answer::either(
            ask.choice,
            ask.by_accept(),
            || plain::of_environment(&sections),
            || html::of_environment(&self.paths, &self.service, &sections, self.variables_are_hidden),
        ))
    }

    async fn section(&self, ask: &Ask) -> Result<Response<Bytes>, Problem> {
        let dump = self.environment.as_ref().ok_or_else(Problem::no_environment)?;
        let name = ask.name.as_deref().unwrap_or_default();
        match dump.collect_section(name).await {
            Some(value) => Ok(answer::json(StatusCode::OK, plain::of_value(&value))),
            None => Err(Problem::unknown_section(name, dump.names())),
        }
    }

    /// Answers a request for the history of the checks.
    fn history(&self, ask: &Ask) -> Response<Bytes> {
        let history = self.health.history();
        answer::either(
            ask.choice,
            ask.by_accept(),
            || plain::of_history(history.clone()),
            || html::of_history(&self.paths, &self.service, self.environment.is_some(), &history),
        )
    }

    /// Returns an error if the query doesn't select the check that the path names. Such a request selects no check,
    /// because a check has to match both the path and the query.
    fn is_chosen(&self, ask: &Ask) -> Result<(), Problem> {
        let (Some(name), query) = (&ask.name, ask.query()) else {
            return Ok(());
        };
        let is_named = query.checks.is_empty() && query.tags.is_empty() || query.checks.contains(name);
        let is_tagged = || {
            let mut checks = self.health.checks();
            let check = checks.find(|check| check.name() == name);
            check.is_none_or(|check| {
                let own = &check.options().tags;
                own.iter().any(|tag| query.tags.iter().any(|asked| asked == tag))
            })
        };
        if is_named || is_tagged() {
            Ok(())
        } else {
            Err(Problem::not_chosen(name))
        }
    }

    /// Returns the changes to an answer, which depend on the method of the request and on whether the service drains.
    fn finish(&self, target: Target, head: &Parts) -> Finish {
        let is_options = head.method == Method::OPTIONS && target.takes(&Method::OPTIONS);
        Finish {
            without_body: is_options || head.method == Method::HEAD,
            is_options,
            // `Connection: close` makes a client open a new connection for its next request. While this instance
            // drains, that connection should go to another instance. HTTP/2 doesn't allow this header.
            closes: self.health.is_draining() && head.version <= Version::HTTP_11,
        }
    }

    /// Returns the response to a request with a problem. The response names no checks if this caller may not see their
    /// names.
    fn problem(&self, problem: Problem, head: &Parts) -> Response<Bytes> {
        let withheld = self.answers.details == Details::Overall && self.details_access.admit(head).is_err();
        let problem = if withheld {
            problem.without_names()
        } else {
            problem
        };
        let ours = (&self.paths, self.environment.is_some());
        problem.response(&self.answers.formats, Some(ours), head)
    }

    const fn probe(&self, kind: ProbeKind) -> &Probe {
        match kind {
            ProbeKind::Health => &self.whole,
            ProbeKind::Liveness => &self.liveness,
            ProbeKind::Readiness => &self.readiness,
            ProbeKind::Startup => &self.startup,
        }
    }
}
