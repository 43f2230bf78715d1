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
use crate::service::Service;
use crate::serving::Serving;

/// Returns the endpoints of every annotated check and section of the binary as a router, to merge into your app. This
/// is the same as `Endpoints::new(HealthCheck::discover()?).router()`: see [`Endpoints::router`].
///
/// # Errors
/// The errors of [`HealthCheck::discover`] and of [`Endpoints::router`].
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

/// The endpoints and their options: paths, status codes, formats and access. [`router`](Self::router) returns them as
/// routes. [`serve`](Self::serve) serves them.
///
/// | request | answer |
/// |---|---|
/// | `GET /healthcheck` | every check |
/// | `GET /healthcheck?check=a&check=b`, `?tag=t`, `?exclude=c` | some checks; an unknown check or tag gets 404, an unknown `exclude` gets a warning |
/// | `GET /healthcheck/{check}` | a report with that one result |
/// | `GET /healthcheck/history` | the last transitions of each check and of the overall status |
/// | `GET /livez`, `/readyz`, `/startupz` | the checks of that probe; the query and `/{check}` select some of them |
/// | `GET /environment`, `/environment/{section}` | the environment page; one section of it |
/// | `GET /healthcheck/openapi.json` | an OpenAPI document of these endpoints, if `Endpoints::openapi` is on |
///
/// **Methods.** `HEAD` gets the same answer without a body, and so does `OPTIONS` on the health and probe paths. A CORS
/// preflight gets 204 with `Allow`. Any other method gets 405.
///
/// **Errors** are sent as JSON, text or HTML, depending on the `Accept` header of the request.
///
/// **The query.** Unknown parameters are ignored, so a cache buster such as `?_=1598022539` does no harm. A query with
/// more than 1,024 parameters or 32 KiB is refused.
///
/// **Headers.** Each answer has `Cache-Control: no-store` and `X-Content-Type-Options: nosniff`. While the service
/// drains, each answer also has `Connection: close`.
///
/// **Size.** A body has at most 4 MiB. If a report is larger, its verdicts are sent without the outputs. Metrics have
/// at most 64 MiB.
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
    pub(crate) service: Service,
    pub(crate) serving: Serving,
}

#[derive(Clone, Debug)]
pub(crate) enum Environment {
    Discovered,
    Given(EnvironmentDump),
    NotServed,
}

/// Which clients can reach the environment page, as far as the server knows. By default this decides whether the page
/// shows the values of variables and arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readers {
    /// Only clients on this machine.
    Local,
    Unknown,
}

impl Endpoints {
    /// Returns the endpoints of these checks, with the defaults of the methods below.
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
            service: Service::default(),
            serving: Serving::default(),
        }
    }

    /// Sets the content of the environment page. `None` means that there is no such page. Default: the built-in
    /// sections and every annotated one. Their functions get the values that were provided to the checks.
    pub fn environment(mut self, dump: impl Into<Option<EnvironmentDump>>) -> Self {
        self.environment = dump.into().map_or(Environment::NotServed, Environment::Given);
        self
    }

    /// Sets the path of all checks. Default: "/healthcheck". Don't use "/" in a router that you nest: the links of the
    /// status page would then point outside the nested router.
    pub fn health_path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.paths.health);
        self
    }

    /// Sets the path of the environment page. Default: "/environment".
    pub fn environment_path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.paths.environment);
        self
    }

    /// Sets the path of the liveness probe. Default: "/livez".
    pub fn liveness_path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.paths.liveness);
        self
    }

    /// Sets the path of the readiness probe. Default: "/readyz".
    pub fn readiness_path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.paths.readiness);
        self
    }

    /// Sets the path of the startup probe. Default: "/startupz".
    pub fn startup_path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.paths.startup);
        self
    }

    /// Sets the status code of a success. Default: 200. A 1xx code isn't a final answer. Here and in the next two
    /// methods it is a [`BuildError`](healthcheck::BuildError).
    pub const fn success_status(mut self, status: StatusCode) -> Self {
        self.answers.success_status = Some(status);
        self
    }

    /// Sets the status code of a failure. Default: 503.
    pub const fn failed_status(mut self, status: StatusCode) -> Self {
        self.answers.failed_status = Some(status);
        self
    }

    /// Sets the status code of a degraded report on the health path and below it. Default: the status code of a
    /// success. Consul, for example, treats 429 as a warning.
    ///
    /// On a probe a degraded report always has the status code of a success, because a kubelet treats any 4xx as a
    /// failure.
    pub const fn degraded_status(mut self, status: StatusCode) -> Self {
        self.answers.degraded_status = Some(status);
        self
    }

    /// Adds a header to each answer with a success or a degraded report. The header replaces a default header of the
    /// same name; only `Vary` is added to the default. `Content-Type` applies only to JSON and to the
    /// [`body`](Self::body) in its place. If you set a name twice, the last value counts.
    pub fn success_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.check_header("success_header", &name);
        self.answers.success_headers.push((name, value));
        self
    }

    /// Adds a header to each answer with a failure. The rules of [`success_header`](Self::success_header) apply.
    pub fn failed_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.check_header("failed_header", &name);
        self.answers.failed_headers.push((name, value));
        self
    }

    /// Adds a header to each answer with a degraded report, on every path and in addition to the headers of a success.
    /// Envoy, for example, reads `x-envoy-degraded`.
    pub fn degraded_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.check_header("degraded_header", &name);
        self.answers.degraded_headers.push((name, value));
        self
    }

    /// Replaces the default JSON by your own output. The closure gets a report with only the data that this caller may
    /// see. Set the content type by [`success_header`](Self::success_header) and
    /// [`failed_header`](Self::failed_header). If the closure panics, JSON is sent instead.
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

    /// Adds an output format of your own. A request selects it by `?format=NAME`, or by an `Accept` header that names
    /// its content type. If a built-in format has the same name, yours replaces it.
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

    /// Sets whether to serve an OpenAPI 3.1 document of every endpoint at `/healthcheck/openapi.json`. Default: no.
    ///
    /// The document describes the configured paths, parameters, status codes and formats. It contains nothing about the
    /// checks, so every request may read it. It gives the server's address as a relative path, which is also right
    /// under `nest`. The schemas of the report and of the history are those of [`Report`] and
    /// [`Transition`](healthcheck::Transition). For your own formats the document has only the content type.
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

    /// Sets the name of the service. The pages show it in their heading and title. Default: the name of the executable.
    ///
    /// ```
    /// # fn main() -> Result<(), healthcheck::BuildError> {
    /// # let health = healthcheck::HealthCheck::builder().discover(false).build()?;
    /// let endpoints = healthcheck_axum::Endpoints::new(health)
    ///     .name("orders")
    ///     .version(env!("CARGO_PKG_VERSION"));
    /// # let _ = endpoints;
    /// # Ok(())
    /// # }
    /// ```
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.service.name = name.into();
        self
    }

    /// Sets the version of the service, such as `env!("CARGO_PKG_VERSION")`. Some formats show it (`releaseId` in
    /// `health+json`). Default: the version of the binary's package if that package has an annotated function;
    /// otherwise no version is shown.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.service.version = Some(version.into());
        self
    }

    /// Sets which requests may read the environment page and the history. Default: [`Access::loopback`].
    ///
    /// If you call this method, each admitted request sees the values of variables and arguments. If you don't, the
    /// page shows only their names. It then shows their values only if [`serve`](Self::serve) is bound to a loopback
    /// address.
    pub fn environment_access(mut self, access: Access) -> Self {
        self.environment_access = Some(access);
        self
    }

    /// Sets which requests may read the details: outputs, sections, warnings and descriptions. Default:
    /// [`Access::direct`].
    ///
    /// Other requests get the same status code, names, verdicts and times, with "reason withheld" in place of each
    /// output. [`details`](Self::details) reduces this further.
    pub fn details_access(mut self, access: Access) -> Self {
        self.details_access = access;
        self
    }

    /// Sets how much a request sees if [`details_access`](Self::details_access) refuses it the details. Default:
    /// [`Details::Verdicts`].
    ///
    /// With [`Details::Overall`], `results` and `hostname` are empty: the answer shows neither the names of the checks
    /// nor their number.
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

    /// Sets how long a request waits for due checks. After that time, the answer has the latest results. `None` means
    /// that a request waits for every check, up to the check's own timeout. Default: 4 s on the health path, and 800 ms
    /// on the probes, because a kubelet waits only 1 s.
    pub fn answer_within(mut self, budget: impl Into<Option<Duration>>) -> Self {
        let budget = budget.into();
        self.health_budget = budget;
        self.probe_budget = budget;
        self
    }

    /// Sets how old a passing and a failing result may be on a probe, if the check has no TTL of its own. Default: 5 s
    /// and 2 s.
    pub const fn probe_max_age(mut self, pass: Duration, fail: Duration) -> Self {
        self.max_age = (pass, fail);
        self
    }

    /// Returns the endpoints as a router, to merge into an app with any state.
    ///
    /// - **Layers.** axum's `.layer` applies only to the routes that were added before it. To keep your layers off the
    ///   health endpoints, merge this router after you add the layers.
    /// - **Conflicts.** axum's `merge` panics if your app has a route at one of the same paths. The router sets no
    ///   fallback. The router also works under `nest("/{tenant}", …)`.
    /// - **Blocked runtimes.** The router answers on your app's runtime. While all workers of that runtime are blocked,
    ///   no request is answered, not even `/livez`. On a current-thread runtime, a single async check that blocks its
    ///   thread causes this. [`serve`](Self::serve) answers from a thread of its own.
    /// - **Shutdown.** [`drain_on_signals`](crate::drain_on_signals) drains your server on SIGTERM.
    /// - **The peer's address.** [`Access::loopback`] needs the peer's address: start your server with
    ///   `into_make_service_with_connect_info::<SocketAddr>()`.
    /// - **`HEALTHCHECK_DISABLE=a,b`** in the environment disables the checks `a` and `b`, as under [`serve`](Self::serve).
    ///
    /// # Errors
    /// - an invalid path, or a path that two endpoints share;
    /// - a 1xx status code;
    /// - a header that only the server may set;
    /// - the errors of [`EnvironmentDumpBuilder::build`](healthcheck::EnvironmentDumpBuilder::build).
    pub fn router<S: Clone + Send + Sync + 'static>(self) -> Result<Router<S>, BuildError> {
        disabled::apply(&self.health);
        let handler = self.assemble(Readers::Unknown, "router")?;
        Ok(router::router(&handler))
    }

    /// Records a problem if the server sets this header itself. A wrong content length, for example, would break the
    /// connection.
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
