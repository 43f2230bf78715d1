//! Builds the request handler for the configured endpoints. If the configuration is invalid, returns all its problems.

use std::sync::Arc;

use healthcheck::{BuildError, Selection};
use tokio::runtime::Handle;

use crate::access::Access;
use crate::endpoints::{Endpoints, Environment, Readers};
use crate::http::cache::Cache;
use crate::http::handler::{Handler, Probe};
use crate::log::log;
#[cfg(feature = "openapi")]
use crate::openapi;

impl Endpoints {
    /// Makes `application` the runtime on which checks and environment sections run. If the application has already
    /// chosen a runtime by `on_runtime`, keeps that one.
    pub(crate) fn at_home_on(mut self, application: Handle) -> Self {
        if let Environment::Given(dump) = &self.environment
            && dump.runtime().is_none()
        {
            self.environment = Environment::Given(dump.on_runtime(application.clone()));
        }
        if self.health.runtime().is_none() {
            self.health = self.health.on_runtime(application);
        }
        self
    }

    /// Builds the request handler. If the configuration is invalid, returns one error that lists all problems.
    ///
    /// `place` identifies these endpoints in the log. It is the list of the server's addresses, or "router" for
    /// endpoints in an app.
    pub(crate) fn assemble(self, readers: Readers, place: &str) -> Result<Arc<Handler>, BuildError> {
        let with_environment = !matches!(self.environment, Environment::NotServed);
        #[cfg(feature = "openapi")]
        let with_document = self.openapi;
        #[cfg(not(feature = "openapi"))]
        let with_document = false;
        let names: Vec<_> = self.health.checks().collect();
        let names = names.iter().map(|check| check.name());
        let mut problems = self.problems;
        problems.extend(
            self.paths
                .problems(with_environment, with_document, names.clone()),
        );
        problems.extend(self.answers.problems());
        let environment = match self.environment {
            Environment::NotServed => None,
            Environment::Given(dump) => Some(dump),
            Environment::Discovered => match self.health.environment().build() {
                Ok(dump) => Some(dump),
                Err(error) => {
                    problems.extend(error.problems().iter().cloned());
                    None
                }
            },
        };
        if !problems.is_empty() {
            return Err(BuildError::new(problems));
        }

        let names = names.collect::<Vec<_>>().join(", ");
        let path = format!("{} ({place})", self.paths.health);
        if names.is_empty() {
            log!(
                WARN,
                "no health check is registered for {path}: Rust doesn't link a crate that nothing refers to, so write \
                 `use the_crate as _;`"
            );
        } else {
            log!(INFO, "health checks at {path}: {names}");
        }
        let readers_are_chosen = self.environment_access.is_some() || readers == Readers::Local;
        let environment = environment.map(|dump| {
            if readers_are_chosen {
                return dump;
            }
            let path = format!("{} ({place})", self.paths.environment);
            log!(
                INFO,
                "{path} shows variables and arguments by name alone, because no access rule is set: \
                 call `Endpoints::environment_access` to show their values"
            );
            dump.without_variables()
        });

        let (pass, fail) = self.max_age;
        let probe = |selection: Selection| Probe {
            selection: selection.max_age(pass, fail),
            budget: self.probe_budget,
        };
        let service = self.service.or_the_binary(&self.health);
        #[cfg(feature = "openapi")]
        let openapi = with_document.then(|| {
            openapi::document(&openapi::Subject {
                paths: &self.paths,
                answers: &self.answers,
                with_environment,
                version: service.version.as_deref(),
            })
        });
        let handler = Handler {
            whole: Probe {
                selection: Selection::all(),
                budget: self.health_budget,
            },
            liveness: probe(Selection::liveness()),
            readiness: probe(Selection::readiness()),
            startup: probe(Selection::startup()),
            answers: self.answers,
            cache: Cache::default(),
            paths: self.paths,
            service,
            #[cfg(feature = "openapi")]
            openapi,
            health: self.health,
            details_access: self.details_access,
            environment,
            variables_are_hidden: !readers_are_chosen,
            environment_access: self.environment_access.unwrap_or(Access::loopback()),
        };
        Ok(Arc::new(handler))
    }
}
