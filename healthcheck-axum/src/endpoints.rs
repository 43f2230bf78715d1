use std::fmt;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use healthcheck::{BuildError, EnvironmentDump, HealthCheck, Report};

use crate::access::Access;
use crate::access::details::Details;
use crate::disabled;
use crate::http::answer::{Answers, SERVERS_OWN};
use crate::http::router;
use crate::paths::Paths;
use crate::render::{Format, Page};
use crate::serving::Serving;

/// The endpoints of every annotated check and section of the binary, to merge into an app: the same as
/// `Endpoints::new(HealthCheck::discover()?).router()`; see [`Endpoints::router`].
///
/// # Errors
/// As [`HealthCheck::discover`] and [`Endpoints::router`].
///
/// ```
/// use axum::{Router, routing::get};
///
/// # fn main() -> Result<(), healthcheck::BuildError> {
/// let app: Router = Router::new()
///     .route("/", get(async || "hello"))
///     .merge(healthcheck_axum::router()?);
/// # let _ = app;
/// # Ok(())
/// # }
/// ```
pub fn router<S: Clone + Send + Sync + 'static>() -> Result<Router<S>, BuildError> {
    Endpoints::new(HealthCheck::discover()?).router()
}

/// What is served, where, to whom and how: the configured form of [`serve`](crate::serve) and [`router`].
///
/// | request | answer |
/// |---|---|
/// | `GET /healthcheck` | every check |
/// | `GET /healthcheck?check=a&check=b`, `?tag=t`, `?exclude=c` | a part; an unknown check or tag is 404, an unknown `exclude` a warning |
/// | `GET /healthcheck/{check}` | a report with that one result |
/// | `GET /healthcheck/history` | the last transitions of each check and of the whole |
/// | `GET /livez`, `/readyz`, `/startupz` | the checks of that probe; the same query and `/{check}`, within it |
/// | `GET /environment`, `/environment/{section}` | the environment page; one section of it |
/// | `GET /healthcheck/openapi.json` | an OpenAPI document of all this, where `Endpoints::openapi` turned it on |
///
/// `HEAD` answers each of them without a body, `OPTIONS` the health and probe paths likewise, and a CORS preflight is 204
/// with `Allow`; another method is 405. What went wrong with a request is said in JSON, text or HTML, as it accepts.
/// Other parameters of the query are ignored, so that `?_=1598022539` does no harm; at most 1,024 are read.
/// All answers carry `Cache-Control: no-store` and `X-Content-Type-Options: nosniff`, and `Connection: close` while the
/// service drains. No body is built beyond 4 MiB: a report that large keeps its verdicts and loses its outputs; metrics,
/// which have none, may take 64 MiB.
///
/// ```
/// use std::time::Duration;
/// use axum::http::{HeaderName, HeaderValue, StatusCode};
/// use healthcheck::{Check, HealthCheck};
/// use healthcheck_axum::{Access, Endpoints};
///
/// # fn main() -> Result<(), healthcheck::BuildError> {
/// let health = HealthCheck::builder().check(Check::new("queue", async || true)).build()?;
/// let router: axum::Router = Endpoints::new(health)
///     .health_path("/status/health")
///     .failed_status(StatusCode::INTERNAL_SERVER_ERROR)
///     .degraded_header(HeaderName::from_static("x-envoy-degraded"), HeaderValue::from_static("1"))
///     .answer_within(Duration::from_millis(500))
///     .environment_access(Access::denied())
///     .router()?;
/// # let _ = router;
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is served before `router()` or `serve()`"]
#[derive(Clone)]
pub struct Endpoints {
    pub(crate) health: HealthCheck,
    pub(crate) environment: Environment,
    pub(crate) paths: Paths,
    pub(crate) answers: Answers,
    pub(crate) environment_access: Option<Access>,
    pub(crate) details_access: Access,
    pub(crate) health_budget: Option<Duration>,
    pub(crate) probe_budget: Option<Duration>,
    pub(crate) max_age: (Duration, Duration),
    #[cfg(feature = "openapi")]
    pub(crate) openapi: bool,
    pub(crate) problems: Vec<String>,
    pub(crate) serving: Serving,
}

#[derive(Clone, Debug)]
pub(crate) enum Environment {
    Discovered,
    Given(EnvironmentDump),
    NotServed,
}

/// Who can reach the environment page, as far as the server knows. It decides whether the page shows values of
/// variables and arguments by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readers {
    /// Only clients on this machine.
    Local,
    Unknown,
}

impl Endpoints {
    /// The endpoints of these checks, with the defaults of each method below.
    pub fn new(health: HealthCheck) -> Self {
        Self {
            health,
            environment: Environment::Discovered,
            paths: Paths::default(),
            answers: Answers::default(),
            environment_access: None,
            details_access: Access::direct(),
            health_budget: Some(Duration::from_secs(4)),
            probe_budget: Some(Duration::from_millis(800)),
            max_age: (Duration::from_secs(5), Duration::from_secs(2)),
            #[cfg(feature = "openapi")]
            openapi: false,
            problems: Vec::new(),
            serving: Serving::default(),
        }
    }

    /// The environment page. Default: the built-in sections and every annotated one, provided with what the checks
    /// were; `None`: none is served.
    pub fn environment(mut self, dump: impl Into<Option<EnvironmentDump>>) -> Self {
        self.environment = dump.into().map_or(Environment::NotServed, Environment::Given);
        self
    }

    /// Where all checks are. Default: "/healthcheck". In a router that is nested give it another path than "/": from
    /// there the links of the status page lead out of the nest.
    pub fn health_path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.paths.health);
        self
    }

    /// Where the environment is. Default: "/environment".
    pub fn environment_path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.paths.environment);
        self
    }

    /// Where the liveness probe is. Default: "/livez".
    pub fn liveness_path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.paths.liveness);
        self
    }

    /// Where the readiness probe is. Default: "/readyz".
    pub fn readiness_path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.paths.readiness);
        self
    }

    /// Where the startup probe is. Default: "/startupz".
    pub fn startup_path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.paths.startup);
        self
    }

    /// The status of a success. Default: 200. A 1xx, which is no answer yet, is a
    /// [`BuildError`](healthcheck::BuildError), here and in the other two.
    pub const fn success_status(mut self, status: StatusCode) -> Self {
        self.answers.success_status = Some(status);
        self
    }

    /// The status of a failure. Default: 503.
    pub const fn failed_status(mut self, status: StatusCode) -> Self {
        self.answers.failed_status = Some(status);
        self
    }

    /// The status of what is degraded, on the health path and below it only: a kubelet takes any 4xx for a failure, so
    /// a probe answers with the status of a success. 429 is a warning for Consul. Default: the status of a success.
    pub const fn degraded_status(mut self, status: StatusCode) -> Self {
        self.answers.degraded_status = Some(status);
        self
    }

    /// A header of every success, and of what is degraded. It replaces one of ours of the same name, as `Content-Type`
    /// does for [`body`](Self::body), and `Vary` stands beside ours; of several with one name the last one counts.
    pub fn success_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.check_header("success_header", &name);
        self.answers.success_headers.push((name, value));
        self
    }

    /// A header of every failure; as [`success_header`](Self::success_header).
    pub fn failed_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.check_header("failed_header", &name);
        self.answers.failed_headers.push((name, value));
        self
    }

    /// A header of what is degraded, on every path, beside those of a success: `x-envoy-degraded` for Envoy.
    pub fn degraded_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.check_header("degraded_header", &name);
        self.answers.degraded_headers.push((name, value));
        self
    }

    /// An output format of one's own, in the place of the default JSON. It gets the report as this caller may see it;
    /// the content type is set by [`success_header`](Self::success_header) and
    /// [`failed_header`](Self::failed_header). A closure that panics costs its format: the report goes out as JSON.
    ///
    /// ```
    /// use axum::http::{HeaderValue, header::CONTENT_TYPE};
    /// # use healthcheck::HealthCheck;
    /// # use healthcheck_axum::Endpoints;
    ///
    /// # fn main() -> Result<(), healthcheck::BuildError> {
    /// # let health = HealthCheck::builder().discover(false).build()?;
    /// let text = HeaderValue::from_static("text/plain; charset=utf-8");
    /// let endpoints = Endpoints::new(health)
    ///     .body(|report| report.status.to_string().into())
    ///     .success_header(CONTENT_TYPE, text.clone())
    ///     .failed_header(CONTENT_TYPE, text);
    /// # let _ = endpoints;
    /// # Ok(())
    /// # }
    /// ```
    pub fn body(mut self, f: impl Fn(&Report) -> Bytes + Send + Sync + 'static) -> Self {
        self.answers.formats.insert("json".to_owned(), OwnBody(f));
        self
    }

    /// A form of one's own: `?format=NAME` asks for it, and an `Accept` header that names its content type. One of the
    /// name of a built-in form stands in its place.
    ///
    /// ```
    /// use axum::{body::Bytes, http::HeaderValue};
    /// use healthcheck_axum::{Endpoints, Format, Page};
    /// # use healthcheck::HealthCheck;
    ///
    /// struct Word;
    ///
    /// impl Format for Word {
    ///     fn content_type(&self) -> HeaderValue {
    ///         HeaderValue::from_static("text/x-word")
    ///     }
    ///
    ///     fn render(&self, page: &Page<'_>) -> Bytes {
    ///         page.report().status.as_str().into()
    ///     }
    /// }
    ///
    /// # fn main() -> Result<(), healthcheck::BuildError> {
    /// # let health = HealthCheck::builder().discover(false).build()?;
    /// let endpoints = Endpoints::new(health).format("word", Word); // GET /healthcheck?format=word
    /// # let _ = endpoints;
    /// # Ok(())
    /// # }
    /// ```
    pub fn format(mut self, name: impl Into<String>, format: impl Format) -> Self {
        self.answers.formats.insert(name.into(), format);
        self
    }

    /// Whether an OpenAPI 3.1 document of every endpoint lies at `/healthcheck/openapi.json`, for everybody: it tells
    /// paths, parameters, statuses and forms as they are configured, and nothing of the checks. Default: no.
    ///
    /// Its one server is a path relative to where it lies, so that it holds under `nest`, too. The schemas of the report
    /// and of the history are those of [`Report`] and [`Transition`](healthcheck::Transition); a form of one's own is
    /// described by its content type alone.
    ///
    /// ```
    /// use healthcheck_axum::Endpoints;
    /// # use healthcheck::HealthCheck;
    ///
    /// # fn main() -> Result<(), healthcheck::BuildError> {
    /// # let health = HealthCheck::builder().discover(false).build()?;
    /// let router: axum::Router = Endpoints::new(health)
    ///     .openapi(true) // GET /healthcheck/openapi.json
    ///     .router()?;
    /// # let _ = router;
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "openapi")]
    pub const fn openapi(mut self, yes: bool) -> Self {
        self.openapi = yes;
        self
    }

    /// The name of the service, which the pages show in their heading and title. Default: the name of the executable.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.paths.service.name = name.into();
        self
    }

    /// The version of the service, which some forms tell beside the verdict (`releaseId` in `health+json`). Default: that of
    /// the binary's package where an annotated function stands in it, else none; `env!("CARGO_PKG_VERSION")` is one.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.paths.service.version = Some(version.into());
        self
    }

    /// Who may read the environment page and the history. Default: [`Access::loopback`], and then values of variables
    /// and arguments are shown only by a [`serve`](Self::serve) that is bound to a loopback address; otherwise their
    /// names alone. Once this is called they are shown to whoever is let in.
    pub fn environment_access(mut self, access: Access) -> Self {
        self.environment_access = Some(access);
        self
    }

    /// Who may read what the checks say. Default: [`Access::direct`].
    ///
    /// Others get the same status code, names, verdicts and times, with "reason withheld" in the place of each output;
    /// and neither sections nor warnings nor descriptions. [`details`](Self::details) leaves them less.
    pub fn details_access(mut self, access: Access) -> Self {
        self.details_access = access;
        self
    }

    /// What callers without permission for details see. Default: [`Details::Verdicts`].
    ///
    /// With [`Details::Overall`] `results` is empty, and so is `hostname`; what a check is called, and how many there are,
    /// stays with those whom [`details_access`](Self::details_access) lets in.
    ///
    /// ```
    /// use healthcheck_axum::{Access, Details, Endpoints};
    /// # use healthcheck::HealthCheck;
    ///
    /// # fn main() -> Result<(), healthcheck::BuildError> {
    /// # let health = HealthCheck::builder().discover(false).build()?;
    /// let endpoints = Endpoints::new(health)
    ///     .details(Details::Overall)
    ///     .details_access(Access::bearer_file("/run/secrets/health-token"));
    /// # let _ = endpoints;
    /// # Ok(())
    /// # }
    /// ```
    pub const fn details(mut self, level: Details) -> Self {
        self.answers.details = level;
        self
    }

    /// How long an answer waits for due checks. Afterwards it reports the latest results. `None`: it waits for every
    /// check, up to the check's own time limit. Default: 800 ms on the probes, below the kubelet's 1 s, and 4 s on the
    /// health path.
    pub fn answer_within(mut self, budget: impl Into<Option<Duration>>) -> Self {
        let budget = budget.into();
        self.health_budget = budget;
        self.probe_budget = budget;
        self
    }

    /// How old a passing and a failing result may be on a probe, where nobody set the check's TTL. Default: 5 s and 2 s.
    pub const fn probe_max_age(mut self, pass: Duration, fail: Duration) -> Self {
        self.max_age = (pass, fail);
        self
    }

    /// The endpoints as a router, to merge into an app of any state.
    ///
    /// Merge it after the app's layers, so that they don't apply to it: `.layer` covers the routes added before it. It
    /// sets no fallback, and works below a `nest("/{tenant}", …)`. A route of the app at one of the same paths makes
    /// axum's `merge` panic.
    ///
    /// It lives in the application's runtime, and that has its cost: while all of that runtime's workers are blocked
    /// nobody answers, not even `/livez`, and on a current-thread runtime one async check that blocks its thread is
    /// enough for it. [`serve`](Self::serve) answers from a thread of its own.
    ///
    /// `HEALTHCHECK_DISABLE=a,b` in the environment takes these checks out, as under [`serve`](Self::serve). To drain the
    /// application's server on SIGTERM see [`drain_on_signals`](crate::drain_on_signals).
    ///
    /// The peer's address, which [`Access::loopback`] asks for, is known where the application's server is started with
    /// `into_make_service_with_connect_info::<SocketAddr>()`.
    ///
    /// # Errors
    /// A path that can't be one, or that two endpoints share; a header that is the server's own affair; what
    /// [`EnvironmentDumpBuilder::build`](healthcheck::EnvironmentDumpBuilder::build) finds wrong with the sections.
    pub fn router<S: Clone + Send + Sync + 'static>(self) -> Result<Router<S>, BuildError> {
        disabled::apply(&self.health);
        let handler = self.assemble(Readers::Unknown, "router")?;
        Ok(router::router(&handler))
    }

    /// Records a problem if the server sets this header itself. A wrong content length would break the connection.
    fn check_header(&mut self, setter: &str, name: &HeaderName) {
        if SERVERS_OWN.contains(&name.as_str()) {
            self.problems.push(format!(
                "`{setter}` sets `{name}`, which is the server's own affair; take it out"
            ));
        }
    }
}

/// The format that [`Endpoints::body`] sets.
struct OwnBody<F>(F);

impl<F: Fn(&Report) -> Bytes + Send + Sync + 'static> Format for OwnBody<F> {
    fn content_type(&self) -> HeaderValue {
        HeaderValue::from_static("application/json")
    }

    fn render(&self, page: &Page<'_>) -> Bytes {
        self.0(page.report())
    }
}

impl From<HealthCheck> for Endpoints {
    fn from(health: HealthCheck) -> Self {
        Self::new(health)
    }
}

impl fmt::Debug for Endpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoints")
            .field("health", &self.health)
            .field("environment", &self.environment)
            .field("paths", &self.paths)
            .field("environment_access", &self.environment_access)
            .field("details_access", &self.details_access)
            .finish_non_exhaustive()
    }
}
