//! Uses every public name of the libraries, in the way in which users' code uses it. A change that breaks this file
//! also breaks users' code.
#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderName, HeaderValue, StatusCode, request};
use healthcheck::{
    BuildError, Check, CheckInfo, CheckResult, EnvironmentDump, Gate, HealthCheck, IntoOutcome, NotReady,
    Outcome, Overall, Overridden, Pending, Report, Selection, SelectionError, Settings, Status, Transition,
    env_section, health_check,
};
use healthcheck_axum::{Access, Details, Endpoints, Probed, ServeError, drain_on_signals, probe};
use serde_json::{Map, Value, json};

struct Client;

#[health_check(
    name = "redis",
    liveness, readiness, startup,
    tags("cache", "external"),
    critical = false,
    timeout = "2s",
    success_ttl = "27s", failed_ttl = "9s",
    failure_threshold = 3, success_threshold = 2,
    depends_on("dns"),
    crate = healthcheck,
)]
async fn redis(client: &Client) -> Result<String, std::io::Error> {
    let _ = client;
    Ok("redis ok".to_owned())
}

/// # When it fails
/// Ask the network team.
#[health_check(
    name = "dns",
    interval = "10s",
    initial_delay = "1s",
    timeout = "none",
    fail_after = "60s",
    owner = "orders",
    runbook = "https://runbooks.example/dns"
)]
fn resolver() -> (bool, &'static str) {
    (true, "resolves")
}

#[health_check(external, success_ttl = "none")]
async fn billing() -> Outcome {
    Outcome::warn("slow")
}

#[env_section(name = "app", in_health, crate = healthcheck)]
fn application() -> impl serde::Serialize {
    json!({ "maintainer": "the team" })
}

fn _every_return_type(text: &str) {
    fn is<T: IntoOutcome>(_: T) {}
    is(());
    is(true);
    is(String::new());
    is(text);
    is(json!({}));
    is((true, vec![1]));
    is(Outcome::pass(1));
    is(Ok::<&str, std::num::ParseIntError>(text));
    is(Err::<(), String>(String::new()));
    is(Err::<(), &str>("no"));
    is(Err::<(), Box<dyn std::error::Error + Send + Sync>>("no".into()));
}

async fn _health(
    handle: tokio::runtime::Handle,
    settings: Settings,
) -> Result<(), Box<dyn std::error::Error>> {
    let discovered: Result<HealthCheck, BuildError> = HealthCheck::discover();
    let _ = discovered;
    let health: HealthCheck = HealthCheck::builder()
        .discover(true)
        .provide(Client)
        .provide::<Arc<dyn std::any::Any + Send + Sync>>(Arc::new(1))
        .check(
            Check::new("by hand", || async { true })
                .liveness()
                .readiness()
                .startup()
                .tags(["a"])
                .critical(false)
                .timeout(Duration::from_secs(1))
                .success_ttl(None)
                .failed_ttl(Some(Duration::from_secs(1)))
                .failure_threshold(2)
                .success_threshold(2)
                .depends_on(["dns"])
                .description("text"),
        )
        .check(
            Check::blocking(String::from("other"), || "ok")
                .external()
                .interval(Duration::from_secs(9)),
        )
        .check(
            Check::new("late", async || true)
                .interval(Duration::from_secs(9))
                .initial_delay(Duration::from_secs(1)),
        )
        .check(
            Check::with("state", Arc::new(1), |state| async move { *state == 1 })
                .fail_after(Duration::from_secs(60))
                .owner("orders")
                .runbook(String::from("https://runbooks.example/state"))
                .when_it_fails("Wait."),
        )
        .check(Check::blocking_with(
            String::from("blocking state"),
            vec![1],
            |state| state.len() == 1,
        ))
        .section("version", "1.0")
        .section_fn("load", || 0.5)
        .success_ttl(Duration::from_secs(27))
        .failed_ttl(None)
        .timeout(Duration::from_secs(5))
        .settings(settings)
        .redact_names(["iban"])
        .allow_names(["PUBLIC_KEY"])
        .expect(["redis"])
        .on_change(|transition: &Transition| {
            let _: (&Option<String>, Option<Status>, Status) =
                (&transition.checker, transition.from, transition.to);
            let _ = (&transition.output, &transition.at);
        })
        .build()?;

    let report: Arc<Report> = health.report().await;
    let selection = Selection::checks(["redis"]).exclude("dns");
    let part: Result<Arc<Report>, SelectionError> = health.report_for(&selection).await;
    let _ = part?;
    let _: Arc<Report> = health
        .report_within(&Selection::tag("x"), Duration::from_secs(1))
        .await?;
    let _: Arc<Report> = health.report_within(&Selection::liveness(), None).await?;
    let _: Option<Arc<Report>> = health.fresh(&Selection::readiness());
    let _ = (Selection::all(), Selection::startup());
    let home: HealthCheck = health.on_runtime(handle);
    let dump: EnvironmentDump = home.environment().build()?;
    let _: Map<String, Value> = dump.collect().await;
    let infos: Vec<Arc<CheckInfo>> = health.checks().collect();
    let _ = (
        infos[0].name(),
        infos[0].description(),
        infos[0].module(),
        infos[0].file(),
        infos[0].line(),
    );
    health.begin_shutdown();

    let Report {
        hostname,
        status,
        timestamp,
        results,
        reason,
        warnings,
        sections,
        ..
    } = &*report;
    let _: (&String, &Overall, &f64, &Vec<CheckResult>) = (hostname, status, timestamp, results);
    let _: (&Option<String>, &Vec<String>, &Map<String, Value>) = (reason, warnings, sections);
    let result = &results[0];
    let _: (&String, &Value, bool, Status) = (&result.checker, &result.output, result.passed, result.status);
    let _: [Option<f64>; 5] = [
        result.timestamp,
        result.expires,
        result.response_time,
        result.failing_since,
        result.age,
    ];
    let _: (u64, bool, &Option<String>) = (result.consecutive_failures, result.stale, &result.blocked_by);
    if let Some(Pending {
        status, count, of, ..
    }) = &result.pending
    {
        let _: (&Status, u32, u32) = (status, *count, *of);
    }
    if let Some(Overridden { reason, until, .. }) = &result.overridden {
        let _: (&String, &f64) = (reason, until);
    }
    let limited: Result<(), NotReady> = health.until(&Selection::all(), Duration::from_secs(1)).await;
    let missing: Option<Vec<String>> = limited.err().map(|error| error.checks().to_vec());
    let _ = missing;
    health.until(&Selection::readiness(), None).await?;
    let gate: Result<Gate, SelectionError> = health.gate(["redis"]);
    let gate = gate?
        .fail_open_after(Duration::from_secs(60))
        .fail_open_after(None);
    gate.clone().open().await;
    let _ = health.gate([String::from("redis")]);
    Ok(())
}

fn _environment() -> Result<EnvironmentDump, BuildError> {
    let _ = EnvironmentDump::discover()?;
    EnvironmentDump::builder()
        .discover(true)
        .include_os(true)
        .include_rust(false)
        .include_process(true)
        .provide(Client)
        .section("a", 1)
        .section_fn("b", || vec![1])
        .redact_names(vec![String::from("iban")])
        .allow_names(["PUBLIC_KEY"])
        .build()
}

async fn _server(health: HealthCheck, dump: EnvironmentDump) -> Result<(), ServeError> {
    let configured = || {
        Endpoints::new(health.clone())
            .environment(dump.clone())
            .health_path("/health")
            .environment_path("/env")
            .success_status(StatusCode::OK)
            .failed_status(StatusCode::INTERNAL_SERVER_ERROR)
            .success_header(HeaderName::from_static("x-a"), HeaderValue::from_static("1"))
            .failed_header(HeaderName::from_static("x-a"), HeaderValue::from_static("0"))
            .body(|report: &Report| Bytes::from(report.hostname.clone()))
            .environment_access(Access::bearer("token"))
            .details_access(Access::when(|parts: &request::Parts| parts.uri.path() == "/"))
            .answer_within(Duration::from_secs(1))
            .answer_within(None)
            .probe_max_age(Duration::from_secs(5), Duration::from_secs(2))
            .degraded_status(StatusCode::TOO_MANY_REQUESTS)
            .degraded_header(
                HeaderName::from_static("x-envoy-degraded"),
                HeaderValue::from_static(""),
            )
            .shutdown_delay(Duration::from_secs(5))
            .details(Details::Overall)
    };
    let _ = [
        Access::public(),
        Access::direct(),
        Access::loopback().or(Access::basic("user", "password")),
        Access::denied(),
    ];
    let _: Result<Router, BuildError> = configured().environment(None).router();
    let _: Result<Router<u8>, BuildError> = healthcheck_axum::router();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    configured().serve_on(listener).await?;
    #[cfg(unix)]
    configured()
        .serve_on_until(tokio::net::UnixListener::bind("/run/app.sock").unwrap(), async {})
        .await?;
    configured().serve_until("localhost:0", async {}).await?;
    let app = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    axum::serve(app, configured().router()?)
        .with_graceful_shutdown(drain_on_signals(health.clone()))
        .await
        .unwrap();
    let _: Probed = probe("unix:/run/app.sock", "/readyz").await;
    configured().serve("127.0.0.1:0").await?;
    healthcheck_axum::serve(SocketAddr::from(([127, 0, 0, 1], 0))).await
}

fn _health_is<T: Clone + Send + Sync + std::fmt::Debug>() {}

#[test]
fn a_health_check_is_cheap_to_share_between_threads() {
    _health_is::<HealthCheck>();
    _health_is::<EnvironmentDump>();
}

#[tokio::test]
async fn the_annotated_functions_are_found_and_stay_callable() {
    assert_eq!(redis(&Client).await.unwrap(), "redis ok");
    assert!(resolver().0);
    assert_eq!(billing().await.status(), Status::Warn);
    let health = HealthCheck::builder().provide(Client).build().unwrap();
    let names: Vec<String> = health.checks().map(|info| info.name().to_owned()).collect();
    assert_eq!(names, ["billing", "dns", "redis"]);
    let report = health
        .report_within(&Selection::checks(["billing"]), None)
        .await
        .unwrap();
    assert_eq!(report.status, Overall::Degraded);
    assert_eq!(report.sections["app"]["maintainer"], "the team");
    let _ = application();
}
