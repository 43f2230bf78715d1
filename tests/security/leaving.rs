//! Tests that a secret doesn't leave the process. The tests put the secret into every text that a user of the library
//! can supply. No output of the process may contain the secret.

use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use healthcheck::{
    Check, EnvironmentDump, HealthCheck, HealthCheckBuilder, Outcome, Selection, Status, Transition,
};
use healthcheck_axum::Endpoints;
use serde::Serialize;
use serde_json::json;

use crate::page::get;
use healthcheck_tests::Log;

const MINUTE: Duration = Duration::from_secs(60);

fn secret() -> String {
    ["kq7Zr", "v2Tn9x", "Lw4"].concat()
}

/// Returns an error message with the secret, similar to one of a database driver.
fn told(by: &str) -> String {
    format!(
        "{by}: connecting to postgres://app:{}@db/prod: timed out",
        secret()
    )
}

/// An error that contains another error. The message of the inner error contains the secret.
#[derive(Debug)]
struct Outer(Inner);

#[derive(Debug)]
struct Inner;

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the pool is empty")
    }
}

impl fmt::Display for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&told("source"))
    }
}

impl Error for Outer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

impl Error for Inner {}

/// A value whose serialization fails. The message of this error contains the secret.
struct Unserialisable;

impl Serialize for Unserialisable {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom(told("serialiser")))
    }
}

/// Returns a builder whose checks put the secret into every kind of text that a check can supply.
fn talkative() -> HealthCheckBuilder {
    let checks = [
        Check::new("returns", async || Outcome::pass(told("output"))),
        Check::new("returns_json", async || {
            Outcome::warn(json!({ "pool": [{ "db_password": secret(), "url": told("json") }] }))
        }),
        Check::new("names_a_secret_in_json", async || {
            Outcome::warn(json!({ "text": format!(r#"{{"api_key":"{}"}}"#, secret()) }))
        }),
        Check::new("fails", async || Err::<(), _>(told("error"))),
        Check::new("fails_with_a_chain", async || Err::<(), _>(Outer(Inner))),
        Check::new("panics", async || {
            if true {
                panic!("{}", told("panic"));
            }
        }),
        Check::blocking("panics_on_its_thread", || {
            if true {
                std::panic::panic_any(told("payload"));
            }
        }),
        Check::new("cannot_be_shown", async || Outcome::pass(Unserialisable)),
        Check::new("is_overridden", async || Outcome::fail("broken")),
        Check::new("is_blocked", async || true).depends_on(["fails"]),
        Check::new("is_described", async || true).description(told("description")),
    ];
    let builder = HealthCheck::builder().discover(false);
    checks
        .into_iter()
        .fold(builder, HealthCheckBuilder::check)
        .section(
            "fixed",
            json!({ "session_secret": secret(), "url": told("section") }),
        )
        .section_fn(
            "computed",
            || json!([{ "private_key": secret() }, told("section")]),
        )
        .section_fn("failing", || Unserialisable)
        .section_fn("panicking", || {
            if true {
                panic!("{}", told("section"));
            }
        })
}

fn environment() -> EnvironmentDump {
    EnvironmentDump::builder()
        .discover(false)
        .section(
            "fixed",
            json!({ "session_secret": secret(), "url": told("section") }),
        )
        .section_fn(
            "computed",
            || json!([{ "private_key": secret() }, told("section")]),
        )
        .section_fn("failing", || Unserialisable)
        .section_fn("panicking", || {
            if true {
                panic!("{}", told("section"));
            }
        })
        .build()
        .unwrap()
}

/// The texts that have left the process, such as answers and log lines. Each text has a name for the place where it
/// came out.
#[derive(Default)]
struct Seen(Vec<(String, String)>);

impl Seen {
    fn add(&mut self, place: impl Into<String>, text: impl Into<String>) {
        self.0.push((place.into(), text.into()));
    }

    async fn ask(&mut self, app: &Router, uri: &str) {
        let page = get(app, uri).await;
        for (name, value) in &page.headers {
            self.add(format!("{uri}, header {name}"), value.to_str().unwrap());
        }
        self.add(uri, page.body);
    }

    /// Asserts that no text contains the secret. Also asserts, for each name in `masked`, that the text with this name
    /// contains the mask `********`.
    fn holds_no_secret(&self, masked: &[&str]) {
        for (place, text) in &self.0 {
            assert!(!text.contains(&secret()), "{place}: {text}");
        }
        for place in masked {
            let found = self.0.iter().find(|(seen, _)| seen == place);
            let (_, text) = found.unwrap();
            assert!(text.contains("********"), "{place}: {text}");
        }
    }
}

#[tokio::test]
async fn a_secret_is_in_no_answer_no_report_no_history_and_no_log() {
    let log = Log::catch();
    let heard: Arc<Mutex<Vec<Transition>>> = Arc::default();
    let listener = Arc::clone(&heard);
    let health = talkative()
        .on_change(move |transition| listener.lock().unwrap().push(transition.clone()))
        .build()
        .unwrap();
    let app: Router = Endpoints::new(health.clone())
        .environment(environment())
        .router()
        .unwrap();
    health.report().await;
    health
        .set_override("is_overridden", Status::Pass, MINUTE, told("override"))
        .unwrap();
    health.begin_maintenance(told("maintenance"));
    health.add_warning(told("warning"));
    health.observe_liveness("loop", Some(Outcome::fail(told("observation"))));

    let mut seen = Seen::default();
    for uri in [
        "/healthcheck",
        "/healthcheck/fails",
        "/healthcheck/panics",
        "/healthcheck?check=fails&exclude=nobody",
        "/readyz",
        "/readyz?verbose",
        "/livez",
        "/livez?verbose",
        "/healthcheck?format=text",
        "/healthcheck?format=html",
        "/healthcheck?format=health%2Bjson",
        "/healthcheck?format=openmetrics",
        "/healthcheck?format=prometheus",
        "/healthcheck?format=spring",
        "/healthcheck?format=microprofile",
        "/healthcheck?format=aspnet",
        "/healthcheck/history",
        "/environment",
        "/environment/fixed",
        "/environment/computed",
        "/environment/failing",
        "/environment/panicking",
    ] {
        seen.ask(&app, uri).await;
    }
    let report = health.report().await;
    seen.add("report", serde_json::to_string(&*report).unwrap());
    seen.add("debug of the report", format!("{report:?}"));
    seen.add("debug of the health", format!("{health:?} {app:?}"));
    let readiness = health.report_for(&Selection::readiness()).await.unwrap();
    seen.add("readiness", serde_json::to_string(&*readiness).unwrap());
    seen.add("history", format!("{:?}", health.history()));
    seen.add("maintenance", health.maintenance_reason().unwrap());
    let heard = heard.lock().unwrap();
    assert!(
        heard.len() >= 9,
        "every check that isn't a pass was heard of: {heard:?}"
    );
    seen.add("listener", format!("{heard:?}"));
    seen.add("log", log.text());
    let described = health
        .checks()
        .filter_map(|info| info.description().map(str::to_owned));
    seen.add("descriptions", described.collect::<String>());
    seen.holds_no_secret(&[
        "/healthcheck",
        "/livez",
        "/livez?verbose",
        "/healthcheck?format=text",
        "/healthcheck?format=html",
        "/healthcheck?format=health%2Bjson",
        "/healthcheck?format=spring",
        "/healthcheck?format=microprofile",
        "/healthcheck?format=aspnet",
        "descriptions",
        "/healthcheck/fails",
        "/healthcheck/panics",
        "/readyz",
        "/healthcheck/history",
        "/environment",
        "/environment/fixed",
        "/environment/computed",
        "/environment/failing",
        "/environment/panicking",
        "report",
        "readiness",
        "history",
        "listener",
        "log",
    ]);
    assert!(
        report
            .warnings
            .iter()
            .any(|warning| warning.contains("override: connecting")),
        "the override's reason is in a warning: {:?}",
        report.warnings
    );
}

#[tokio::test]
async fn a_secret_in_a_section_is_in_no_error_of_a_build() {
    let mut seen = Seen::default();
    let twice = talkative()
        .section("fixed", told("twice"))
        .section("status", told("reserved"))
        .section("unserialisable", Unserialisable)
        .expect(["missing"])
        .build();
    let error = twice.unwrap_err();
    seen.add("health", format!("{error} {error:?} {:?}", error.problems()));
    let twice = EnvironmentDump::builder()
        .discover(false)
        .section("process", told("reserved"))
        .section("own", told("twice"))
        .section("own", Unserialisable)
        .build();
    let error = twice.unwrap_err();
    seen.add("environment", format!("{error} {error:?} {:?}", error.problems()));
    seen.holds_no_secret(&[]);
}

#[tokio::test]
async fn values_that_are_not_to_be_shown_are_nowhere_though_nothing_tells_that_they_are_secret() {
    let innocent = ["plain", "word"].concat();
    let dump = EnvironmentDump::builder()
        .discover(false)
        .section("own", json!({ "favourite": &innocent, "list": [&innocent] }))
        .show_values(false)
        .build()
        .unwrap();
    let shown = serde_json::to_string(&dump.collect().await).unwrap();
    assert!(!shown.contains(&innocent), "{shown}");
    for name in ["favourite", "list", "environ", "PATH"] {
        assert!(shown.contains(name), "{name} in {shown}");
    }
}
