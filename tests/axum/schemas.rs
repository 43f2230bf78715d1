//! Tests that the formats of other health libraries follow their specifications. The tests validate each format against
//! a JSON schema, which we have written from the specification.

use std::time::Duration;

use boon::{Compiler, SchemaIndex, Schemas};
use healthcheck::{Check, Outcome, Status};
use healthcheck_axum::Endpoints;
use serde_json::json;

use crate::support::{Answer, ask, built, by_hand, fails, get, passes, router, warns, with};

const FORMS: [(&str, &str); 5] = [
    ("json", include_str!("schemas/py_healthcheck.json")),
    ("health%2Bjson", include_str!("schemas/health_json.json")),
    ("spring", include_str!("schemas/spring.json")),
    ("microprofile", include_str!("schemas/microprofile.json")),
    ("aspnet", include_str!("schemas/aspnet.json")),
];

const PATHS: [&str; 4] = ["/healthcheck", "/livez", "/readyz", "/startupz"];

/// The compiled JSON schemas of all formats, in the order of the formats in `FORMS`.
struct Specifications {
    schemas: Schemas,
    indices: Vec<SchemaIndex>,
}

impl Specifications {
    fn read() -> Self {
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        let mut indices = Vec::new();
        for (form, text) in FORMS {
            let place = format!("http://localhost/{form}");
            let schema = serde_json::from_str(text).expect("the schema is JSON");
            compiler.add_resource(&place, schema).expect("a place of its own");
            let index = compiler.compile(&place, &mut schemas);
            indices.push(index.unwrap_or_else(|error| panic!("{form}: {error}")));
        }
        Self { schemas, indices }
    }

    fn problem(&self, form: usize, answer: &Answer) -> Option<String> {
        let document = answer.json();
        let found = self.schemas.validate(&document, self.indices[form]);
        found.err().map(|error| format!("{error:#}"))
    }

    /// Requests every path and every single check in every format. Asserts that each answer is valid for the schema of
    /// its format.
    async fn hold(&self, what: &str, endpoints: Endpoints, checks: &[&str], header: Option<&'static str>) {
        let router = router(endpoints);
        for (index, (form, _)) in FORMS.iter().enumerate() {
            let single = checks.iter().map(|check| format!("/healthcheck/{check}"));
            for path in PATHS.into_iter().map(str::to_owned).chain(single) {
                let mut request = get(&format!("{path}?format={form}"));
                if let Some(header) = header {
                    request = with(request, header, "203.0.113.9");
                }
                let answer = ask(&router, request).await;
                assert!(matches!(answer.status.as_u16(), 200 | 503), "{path} {answer:?}");
                let problem = self.problem(index, &answer);
                let body = String::from_utf8_lossy(&answer.body);
                assert_eq!(problem, None, "{what}: {path} as {form}: {body}");
            }
        }
    }
}

#[tokio::test]
async fn every_verdict_is_a_document_of_each_specification() {
    let specifications = Specifications::read();
    let whatever = [
        ("passing", vec![passes("a"), passes("b").liveness()]),
        ("warning", vec![passes("a"), warns("b").startup()]),
        ("degraded", vec![passes("a"), fails("b").critical(false)]),
        ("failing", vec![passes("a").tags(["cache", "far"]), fails("b")]),
        ("blocked", vec![fails("a"), passes("b").depends_on(["a"])]),
        (
            "not known yet",
            vec![
                Check::new("a", std::future::pending::<()>),
                Check::new("b", std::future::pending::<()>).liveness().startup(),
            ],
        ),
    ];
    for (what, checks) in whatever {
        let endpoints = Endpoints::new(built(checks)).answer_within(Duration::from_millis(20));
        specifications.hold(what, endpoints, &["a", "b"], None).await;
    }
    let empty = Endpoints::new(built([]));
    specifications.hold("empty", empty, &[], None).await;
}

#[tokio::test]
async fn outputs_of_every_kind_leave_the_documents_what_they_are() {
    let outputs = [
        json!(null),
        json!(""),
        json!(true),
        json!(1e300),
        json!([1, [2, {"a": null}]]),
        json!({"status": "UP", "checks": [], "details": {"x": {}}}),
        json!("\u{0}\u{1b}[31m\"}],\n</script>\u{2028}\u{feff}"),
        json!("ä".repeat(100_000)),
    ];
    let checks = outputs.into_iter().enumerate().map(|(index, output)| {
        Check::new(format!("c{index}: \"{{}}<é>"), move || {
            let output = output.clone();
            async move {
                match index % 3 {
                    0 => Outcome::pass(output),
                    1 => Outcome::warn(output),
                    _ => Outcome::fail(output),
                }
            }
        })
        .tags(["\"quoted\""])
        .liveness()
        .readiness()
        .startup()
    });
    let endpoints = Endpoints::new(built(checks));
    Specifications::read().hold("hostile", endpoints, &[], None).await;
}

#[tokio::test]
async fn what_is_told_beside_the_checks_stands_where_the_specifications_have_a_place() {
    let specifications = Specifications::read();
    let health = by_hand()
        .check(passes("a"))
        .check(fails("b"))
        .section("version", json!({"a": [1]}))
        .build()
        .expect("the checks fit together");
    health.add_warning("the licence ends tomorrow");
    let minute = Duration::from_secs(60);
    health
        .set_override("b", Status::Pass, minute, "game day")
        .expect("there is such a check");
    let endpoints = || Endpoints::new(health.clone()).version("1.2.3");
    specifications
        .hold("overridden", endpoints(), &["a", "b"], None)
        .await;
    let proxied = Some("x-forwarded-for");
    specifications
        .hold("withheld", endpoints(), &["a", "b"], proxied)
        .await;
    health.begin_maintenance("the disk is being replaced");
    specifications
        .hold("maintenance", endpoints(), &["a", "b"], None)
        .await;
    health.begin_shutdown();
    specifications
        .hold("draining", endpoints(), &["a", "b"], None)
        .await;
}

#[test]
fn the_schemas_refuse_what_the_specifications_do() {
    let specifications = Specifications::read();
    let refused = [
        (
            0,
            json!({"hostname": "h", "status": "success", "timestamp": 1.0, "results": [{"checker": "a"}]}),
        ),
        (1, json!({"status": "pass", "output": "a pass has none"})),
        (
            1,
            json!({"status": "pass", "checks": {"redis": [{"status": "pass"}]}}),
        ),
        (1, json!({"status": "ok"})),
        (2, json!({"status": "DEGRADED", "components": {}})),
        (
            2,
            json!({"status": "UP", "components": {"a": {"status": "UP", "output": "in no details"}}}),
        ),
        (3, json!({"status": "WARN", "checks": []})),
        (
            3,
            json!({"status": "UP", "checks": [{"name": "a", "status": "UP", "data": {"nested": {}}}]}),
        ),
        (
            3,
            json!({"status": "UP", "checks": [], "hostname": "no other keys"}),
        ),
        (
            4,
            json!({"status": "Healthy", "totalDuration": "0.1 s", "entries": {}}),
        ),
        (
            4,
            json!({"status": "Healthy", "totalDuration": "00:00:00", "entries": {"a": {"status": "Healthy"}}}),
        ),
    ];
    for (form, document) in refused {
        let found = specifications
            .schemas
            .validate(&document, specifications.indices[form]);
        assert!(found.is_err(), "{document}");
    }
}
