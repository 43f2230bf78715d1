//! Compares reports in every format with stored snapshots. The reports are passing, degraded, failing, empty, and
//! hostile, with text that tries to break out of the format.

use healthcheck::{Check, HealthCheck, Outcome, Report, Selection, Transition};
use serde_json::{Value, json};

use super::form::Style;
use super::{Formats, Page, PageContext, Wholes};
use crate::kind::ProbeKind;
use crate::paths::Paths;

const FORMS: [(&str, &str, Style); 11] = [
    ("json", "json", Style::Brief),
    ("health_json", "health+json", Style::Brief),
    ("text", "text", Style::Brief),
    ("text_verbose", "text", Style::Verbose),
    ("text_worst_last", "text", Style::WorstLast),
    ("html", "html", Style::Brief),
    ("openmetrics", "openmetrics", Style::Brief),
    ("prometheus", "prometheus", Style::Brief),
    ("spring", "spring", Style::Brief),
    ("microprofile", "microprofile", Style::Brief),
    ("aspnet", "aspnet", Style::Brief),
];

/// The checks of a test, with their reports and history. All times are fixed, so that every run of the test renders the
/// same text.
struct Service {
    health: HealthCheck,
    report: Report,
    wholes: Wholes,
    history: Vec<Transition>,
}

const NOW: f64 = 1_768_621_008.25;

impl Service {
    async fn of(checks: impl IntoIterator<Item = Check>) -> Self {
        let builder = HealthCheck::builder().discover(false);
        let builder = checks
            .into_iter()
            .fold(builder, healthcheck::HealthCheckBuilder::check);
        let health = builder.build().unwrap();
        let report = fixed(&*health.report().await);
        let whole = async |selection| fixed::<Report>(&*health.report_for(&selection).await.unwrap()).into();
        let wholes = Wholes {
            all: whole(Selection::all()).await,
            liveness: whole(Selection::liveness()).await,
            readiness: whole(Selection::readiness()).await,
            startup: whole(Selection::startup()).await,
        };
        Self {
            report,
            wholes,
            history: fixed(&health.history()),
            health,
        }
    }

    fn render(&self, name: &str, style: Style) -> String {
        let formats = Formats::default();
        let form = formats.named(name).unwrap();
        let paths = Paths::default();
        let service = crate::service::Service {
            name: "orders".to_owned(),
            version: Some("1.2.3".to_owned()),
        };
        let context = PageContext {
            kind: ProbeKind::Health,
            check: None,
            excluded: &[],
            tags: &[],
            is_whole: true,
            paths: &paths,
            service: &service,
            with_environment: true,
            wholes: Some(&self.wholes),
        };
        let page = Page::new(&self.report, &self.health, context)
            .with_history(self.history.clone())
            .style(style);
        let body = formats.get(form).render(&page);
        let body = String::from_utf8(body.to_vec()).unwrap();
        abridged(if name == "html" { without_files(body) } else { body })
    }

    fn assert_snapshots(&self, case: &str) {
        for (snapshot, name, style) in FORMS {
            insta::assert_snapshot!(format!("{case}_{snapshot}"), self.render(name, style));
        }
    }
}

/// Returns a copy of `told` with fixed values in place of all times and of the host name.
fn fixed<T: serde::Serialize + serde::de::DeserializeOwned>(told: &T) -> T {
    fn fix(value: &mut Value) {
        let Value::Object(fields) = value else {
            if let Value::Array(items) = value {
                items.iter_mut().for_each(fix);
            }
            return;
        };
        for (name, value) in fields {
            match &**name {
                "hostname" => *value = "d122bb054e3d".into(),
                "timestamp" | "failing_since" | "at" if value.is_number() => *value = json!(NOW),
                "expires" | "until" if value.is_number() => *value = json!(NOW + 27.0),
                "response_time" if value.is_number() => *value = json!(0.000_123),
                _ => fix(value),
            }
        }
    }
    let mut value = serde_json::to_value(told).unwrap();
    fix(&mut value);
    serde_json::from_value(value).unwrap()
}

/// Returns the body of an HTML page without the style and the script, which are the same in every page.
fn without_files(mut body: String) -> String {
    for (open, close) in [("<style>", "</style>"), ("<script>", "</script>")] {
        if let Some(start) = body.find(open)
            && let Some(end) = body.rfind(close)
        {
            body.replace_range(start + open.len()..end, "…");
        }
    }
    body
}

/// Returns the body with a short note in place of each sequence of at least 100 times the letter `x`.
fn abridged(mut body: String) -> String {
    let long = "x".repeat(100);
    while let Some(start) = body.find(&long) {
        let end = body[start..]
            .find(|c| c != 'x')
            .map_or(body.len(), |end| start + end);
        body.replace_range(start..end, &format!("[{} times the letter]", end - start));
    }
    body
}

fn text(page: &Page<'_>) -> String {
    let formats = Formats::default();
    let body = formats.get(super::Form::TEXT).render(page);
    String::from_utf8(body.to_vec()).unwrap()
}

fn passing(name: &str, output: &'static str) -> Check {
    Check::blocking(name, move || output)
}

#[tokio::test]
async fn a_service_that_passes() {
    Service::of([
        passing("redis", "redis ok")
            .description("The cache answers.")
            .tags(["datastore", "cache"]),
        passing("worker", "beat 2 s ago").liveness(),
        passing("schema", "42").startup().readiness(),
    ])
    .await
    .assert_snapshots("pass");
}

#[tokio::test]
async fn a_service_that_is_degraded() {
    Service::of([
        Check::new("disk", async || Outcome::warn("9 % left")).tags(["system"]),
        Check::new("recommendations", async || Err::<(), _>("connection refused")).critical(false),
        passing("redis", "redis ok").tags(["datastore"]),
    ])
    .await
    .assert_snapshots("degraded");
}

#[tokio::test]
async fn a_service_that_fails() {
    let service = Service::of([
        Check::new("dns", async || Err::<(), _>("no answer from 10.0.0.2 in 1 s")),
        passing("redis", "redis ok").depends_on(["dns"]),
        passing("worker", "beat 2 s ago").liveness(),
        Check::new("etcd", async || {
            Outcome::fail(json!({ "code": 14, "message": "unavailable" }))
        })
        .external()
        .owner("platform")
        .runbook("https://runbooks.example/etcd")
        .when_it_fails("An election takes 10 s: wait.\n\nLonger: page the platform team.")
        .failure_threshold(3),
    ])
    .await;
    service.assert_snapshots("failure");
}

#[tokio::test]
async fn a_service_without_checks() {
    Service::of([]).await.assert_snapshots("empty");
}

#[tokio::test]
async fn a_service_whose_checks_want_to_break_out() {
    const FAKE: &str =
        "down\r\n[+]etcd ok\nhealthcheck check passed\n# EOF\nhealthcheck_status{check=\"etcd\"} 1";
    Service::of([
        Check::new("a:b \"c\" \\d", async || Outcome::fail(FAKE)),
        Check::new("<img src=x onerror=alert(1)>", async || {
            Outcome::fail("</p></script><script>alert(1)</script><!-- --> & ' \" `")
        })
        .description("<b onclick=alert(1)>bold</b>")
        .tags(["<i>", "a\"b'c", "x&y=z"]),
        Check::new("control", async || {
            Outcome::warn("\u{1b}[2J\0\u{7}\u{85}\u{2028}\u{202e}gnp.exe\u{202c}\tend")
        }),
        Check::new("huge", async || Outcome::fail("x".repeat(10_000))),
        Check::new("nested", async || {
            Outcome::pass(json!({ "a": [1, { "</script>": [null, true, "\n"] }], "b": {} }))
        }),
        Check::new("nothing", async || Outcome::fail(Value::Null)),
        Check::new("日本語 émoji 🦀", async || Outcome::pass("läuft")),
    ])
    .await
    .assert_snapshots("hostile");
}

#[tokio::test]
async fn text_tells_what_was_excluded_as_kubernetes_does() {
    let health = HealthCheck::builder()
        .discover(false)
        .check(passing("etcd", "ok"))
        .check(passing("log", "ok"))
        .check(passing("ping", "ok"));
    let health = health.build().unwrap();
    let selection = Selection::readiness()
        .exclude("log")
        .exclude("foo")
        .exclude("b\"ar");
    let report = health.report_for(&selection).await.unwrap();
    let excluded = ["log", "foo", "b\"ar"].map(str::to_owned);
    let paths = Paths::default();
    let context = PageContext {
        kind: ProbeKind::Readiness,
        check: None,
        excluded: &excluded,
        tags: &[],
        is_whole: false,
        paths: &paths,
        service: &crate::service::Service::default(),
        with_environment: false,
        wholes: None,
    };
    let page = Page::new(&report, &health, context).style(Style::Verbose);
    let body = text(&page);
    assert_eq!(
        body,
        "[+]etcd ok\n[+]log excluded: ok\n[+]ping ok\n\
         warn: some health checks cannot be excluded: no matches for \"foo\",\"b\\\"ar\"\nreadyz check passed\n"
    );
}

#[tokio::test]
async fn text_tells_why_the_whole_fails_where_no_check_does() {
    let health = HealthCheck::builder().discover(false).build().unwrap();
    health.begin_shutdown();
    let report = health.report_for(&Selection::readiness()).await.unwrap();
    let paths = Paths::default();
    let context = PageContext {
        kind: ProbeKind::Readiness,
        check: None,
        excluded: &[],
        tags: &[],
        is_whole: true,
        paths: &paths,
        service: &crate::service::Service::default(),
        with_environment: false,
        wholes: None,
    };
    let page = Page::new(&report, &health, context);
    assert_eq!(
        text(&page),
        "warn: no check is registered; a crate that nothing names isn't linked: write `use the_crate as _;`\n\
         [-]readyz failed: shutting down\nreadyz check failed\n"
    );
}

#[tokio::test]
async fn a_form_that_would_be_too_large_keeps_its_verdicts() {
    let checks = (0..300).map(|number| {
        // In JSON, the character U+0001 takes six characters: `\u0001`.
        Check::new(format!("check {number:03}"), async || {
            Outcome::pass("\u{1}".repeat(16_000))
        })
    });
    let service = Service::of(checks).await;
    for (_, name, style) in FORMS {
        let body = service.render(name, style);
        assert!(body.len() <= 4 * 1024 * 1024, "{name}: {}", body.len());
        assert!(!name.ends_with("json") || body.contains("check 299"), "{name}");
    }
}
