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

/// Returns a router with the health endpoints, to merge into your app. The endpoints show every check and every
/// environment section that the binary annotates. This is the same as
/// `Endpoints::new(HealthCheck::discover()?).router()`: see [`Endpoints::router`].
///
/// # Errors
/// Returns the errors of [`HealthCheck::discover`] and of [`Endpoints::router`].
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

/// The health endpoints and their options: paths, status codes, formats and access rules. [`router`](Self::router)
/// returns the endpoints as routes for your app. [`serve`](Self::serve) runs a server for the endpoints.
///
/// | request | answer |
/// |---|---|
/// | `GET /healthcheck` | a report on every check |
/// | `GET /healthcheck?check=a&check=b`, `?tag=t`, `?exclude=c` | a report on some checks. If a check or tag is unknown, the status code is 404. If `exclude` names an unknown check, the report has a warning. |
/// | `GET /healthcheck/{check}` | a report on this check only |
/// | `GET /healthcheck/history` | the last transitions of each check and of the overall status |
/// | `GET /livez`, `/readyz`, `/startupz` | a report on the checks of this probe. The query or `/{check}` can select some of these checks. |
/// | `GET /environment` | the environment page |
/// | `GET /environment/{section}` | one section of the environment page |
/// | `GET /healthcheck/openapi.json` | an OpenAPI document of these endpoints, if `Endpoints::openapi` is on |
///
/// **Methods.** `HEAD` gets the answer that `GET` would get, without the body.
///
/// On the health path, on the probe paths and for single checks, `OPTIONS` gets the answer that `HEAD` would get, with
/// the additional header `Allow`.
///
/// A CORS preflight gets 204 with the header `Allow`. A request with any other method gets 405.
///
/// **Errors.** An error is JSON, text or HTML, depending on the `Accept` header of the request.
///
/// **The query.** Unknown parameters are ignored. So a client can add a parameter such as `?_=1598022539` to bypass
/// caches. A query with more than 1,024 parameters gets 400. A query longer than 32 KiB gets 414.
///
/// **Headers.** By default each answer has `Cache-Control: no-store` and `X-Content-Type-Options: nosniff`. While the
/// service shuts down, each answer in HTTP/1 also has `Connection: close`.
///
/// **Size.** In a built-in format, a body with metrics has at most 64 MiB, and every other body at most 4 MiB. If a
/// report would be larger, the answer contains the verdicts without the outputs of the checks.
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

/// Which clients can reach the environment page, as far as the server knows. If the application sets no access rule for
/// the page, the page shows the values of variables and arguments only to `Local` readers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readers {
    /// Only clients on this machine can reach the page.
    Local,
    Unknown,
}

impl Endpoints {
    /// Returns the endpoints for these checks. Each option has its default value.
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

    /// Sets the content of the environment page. With `None` there is no environment page. By default the page has the
    /// built-in sections and every annotated section.
    ///
    /// The functions of annotated sections can have parameters. For these parameters they get the values that the
    /// application provided to the checks.
    pub fn environment(mut self, dump: impl Into<Option<EnvironmentDump>>) -> Self {
        self.environment = dump.into().map_or(Environment::NotServed, Environment::Given);
        self
    }

    /// Sets the health path, which serves the report on all checks. Default: "/healthcheck".
    ///
    /// Don't use "/" in a router that you nest. The links of the status page would point outside the nested router.
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

    /// Sets the status code of an answer whose overall status is a success. Default: 200. If the code is 1xx,
    /// [`router`](Self::router) and [`serve`](Self::serve) return an error, because a 1xx answer isn't final.
    pub const fn success_status(mut self, status: StatusCode) -> Self {
        self.answers.success_status = Some(status);
        self
    }

    /// Sets the status code of an answer whose overall status is a failure. Default: 503.
    pub const fn failed_status(mut self, status: StatusCode) -> Self {
        self.answers.failed_status = Some(status);
        self
    }

    /// Sets the status code of a degraded report on the health path, and of a degraded report on a single check below
    /// that path. Default: the status code of a success. Consul, for example, treats 429 as a warning.
    ///
    /// On the probe paths a degraded report always has the status code of a success, because a kubelet treats any 4xx
    /// as a failure.
    pub const fn degraded_status(mut self, status: StatusCode) -> Self {
        self.answers.degraded_status = Some(status);
        self
    }

    /// Adds a header to each answer whose overall status is a success or degraded.
    ///
    /// - If the library sets the same header by default, your value replaces the default value. The header `Vary`
    ///   contains both values.
    /// - A `Content-Type` applies to the default format `json`, or to your own [`body`](Self::body) in its place. It
    ///   doesn't apply to other formats.
    /// - If you set the same header twice, the last value applies.
    pub fn success_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.check_header("success_header", &name);
        self.answers.success_headers.push((name, value));
        self
    }

    /// Adds a header to each answer whose overall status is a failure. The rules of
    /// [`success_header`](Self::success_header) apply.
    pub fn failed_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.check_header("failed_header", &name);
        self.answers.failed_headers.push((name, value));
        self
    }

    /// Adds a header to each answer whose overall status is degraded, on the health path and on the probe paths. Such
    /// an answer also has the headers of [`success_header`](Self::success_header). Envoy, for example, reads
    /// `x-envoy-degraded`.
    pub fn degraded_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.check_header("degraded_header", &name);
        self.answers.degraded_headers.push((name, value));
        self
    }

    /// Replaces the JSON of the default format by the output of `f`. If `f` panics, the client gets the built-in JSON.
    ///
    /// The report that `f` gets contains only the data that the client may see. Set the content type of the output by
    /// [`success_header`](Self::success_header) and [`failed_header`](Self::failed_header).
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

    /// Adds an output format of your own. A request selects the format by `?format=NAME`, or by an `Accept` header that
    /// names the format's content type.
    ///
    /// If a built-in format has the same name, your format replaces the built-in one.
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

    /// Sets whether the endpoints include an OpenAPI 3.1 document at `/healthcheck/openapi.json`, which describes every
    /// endpoint. Default: no.
    ///
    /// The document describes the configured paths, parameters, status codes and formats. It contains the schemas of
    /// [`Report`] and [`Transition`](healthcheck::Transition). For a format of your own, the document names only the
    /// content type.
    ///
    /// Any client may read the document, because it contains nothing about the checks. The server's address in the
    /// document is a relative path, which is also right in a nested router.
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

    /// Sets the name of the service, which the HTML pages show in their heading and title. Default: the name of the
    /// executable.
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

    /// Sets the version of the service, such as `env!("CARGO_PKG_VERSION")`. Some formats show the version. The format
    /// `health+json`, for example, shows it as `releaseId`.
    ///
    /// Default: the version of the binary's package. If that package has no annotated function, there is no default.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.service.version = Some(version.into());
        self
    }

    /// Sets which requests may read the environment page and the history. Default: [`Access::loopback`].
    ///
    /// The environment page shows the values of variables and arguments if you call this method, or if
    /// [`serve`](Self::serve) is bound to a loopback address. Otherwise the page shows only the names of variables and
    /// arguments.
    pub fn environment_access(mut self, access: Access) -> Self {
        self.environment_access = Some(access);
        self
    }

    /// Sets which requests may read the details of a report: outputs, sections, warnings and descriptions. Default:
    /// [`Access::direct`].
    ///
    /// A request that `access` refuses gets the same status code as an admitted request. Its report contains the names,
    /// verdicts and times of the checks, and the text "reason withheld" in place of each output.
    ///
    /// With [`details`](Self::details) you can also withhold the names and verdicts.
    pub fn details_access(mut self, access: Access) -> Self {
        self.details_access = access;
        self
    }

    /// Sets how much of a report a request gets if [`details_access`](Self::details_access) doesn't admit the request.
    /// Default: [`Details::Verdicts`].
    ///
    /// With [`Details::Overall`], the fields `results` and `hostname` of the report are empty. Such a report hides the
    /// names and the number of the checks.
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

    /// Sets how long a request waits for checks that have to run first. After this time, the answer contains the latest
    /// results. With `None` a request waits until each of these checks has ended or timed out.
    ///
    /// Default: 4 s on the health path, and 800 ms on the probe paths. A kubelet waits 1 s for the answer of a probe.
    pub fn answer_within(mut self, budget: impl Into<Option<Duration>>) -> Self {
        let budget = budget.into();
        self.health_budget = budget;
        self.probe_budget = budget;
        self
    }

    /// Sets how old a result may be before a probe runs the check again. `pass` applies to a passing result, and `fail`
    /// to a failing one. Default: 5 s for `pass`, and 2 s for `fail`.
    ///
    /// If the application sets a TTL for a check, this TTL replaces both values for that check.
    pub const fn probe_max_age(mut self, pass: Duration, fail: Duration) -> Self {
        self.max_age = (pass, fail);
        self
    }

    /// Returns the endpoints as a router, to merge into an app with a state of any type.
    ///
    /// - **Layers.** axum's `.layer` applies only to the routes that were added before it. If your layers shouldn't
    ///   apply to the health endpoints, merge this router after you add the layers.
    /// - **Paths.** axum's `merge` panics if your app already has a route at the path of an endpoint. Instead of
    ///   merging this router you can nest it, as in `nest("/{tenant}", …)`. This router sets no fallback.
    /// - **Blocked runtimes.** This router answers on your app's runtime. While all worker threads of that runtime are
    ///   blocked, no request gets an answer, even on `/livez`. A current-thread runtime is blocked as soon as one async
    ///   check blocks its thread. [`serve`](Self::serve) avoids this problem, because it answers from a separate
    ///   thread.
    /// - **Shutdown.** [`drain_on_signals`](crate::drain_on_signals) shuts your server down gracefully on SIGTERM.
    /// - **The client's address.** [`Access::loopback`] reads the client's address. If you use this rule, start your
    ///   server with `into_make_service_with_connect_info::<SocketAddr>()`.
    /// - **Disabled checks.** This method and [`serve`](Self::serve) remove the checks that the environment variable
    ///   `HEALTHCHECK_DISABLE` names, as in `HEALTHCHECK_DISABLE=a,b`.
    ///
    /// # Errors
    /// Returns an error that lists all of these problems:
    ///
    /// - an invalid path, or a path that two endpoints share;
    /// - a 1xx status code;
    /// - a header that only the server may set, such as `Content-Length`;
    /// - the errors of [`EnvironmentDumpBuilder::build`](healthcheck::EnvironmentDumpBuilder::build).
    pub fn router<S: Clone + Send + Sync + 'static>(self) -> Result<Router<S>, BuildError> {
        disabled::apply(&self.health);
        let handler = self.assemble(Readers::Unknown, "router")?;
        Ok(router::router(&handler))
    }

    /// Records a problem if `name` is a header that only the server may set. A wrong content length, for example, would
    /// break the connection.
    fn check_header(&mut self, setter: &str, name: &HeaderName) {
        if SERVERS_OWN.contains(&name.as_str()) {
            self.problems.push(format!(
                "`{setter}` sets `{name}`, which is the server's own affair; take it out"
            ));
        }
    }
}

/// The output of the application's closure in [`Endpoints::body`], as a format.
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
