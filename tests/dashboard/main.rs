//! Tests the dashboard and the alert rules in `examples/prometheus`. They must use only metrics that the library has.
//! The dashboard must use all of the library's metrics.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use boon::{Compiler, Schemas};
use healthcheck::{Check, HealthCheck};
use healthcheck_axum::Endpoints;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

fn example(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/prometheus");
    fs::read_to_string(path.join(name)).unwrap()
}

/// Requests the metrics of a service. Returns the names of the metric families in the answer.
async fn served() -> BTreeSet<String> {
    let check = Check::new("queue", async || true);
    let health = HealthCheck::builder().discover(false).check(check);
    let router: Router = Endpoints::new(health.build().unwrap()).router().unwrap();
    // A request for metrics doesn't wait for checks. So the first request asks for a report, which runs the check.
    for path in ["/healthcheck", "/healthcheck?format=prometheus"] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let answer = router.clone().oneshot(request).await.unwrap();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8(body.to_vec()).unwrap();
        if path.contains("format") {
            return text
                .lines()
                .filter_map(|line| Some(line.strip_prefix("# TYPE ")?.split_once(' ')?.0.to_owned()))
                .collect();
        }
    }
    BTreeSet::new()
}

/// Returns the names of the library's metrics in a Prometheus expression. These are all words that begin with
/// `healthcheck_`.
fn names(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let ours = words.filter(|word| word.starts_with("healthcheck_"));
    ours.map(str::to_owned).collect()
}

/// Collects the texts of all members `expr` and `query` in a JSON value, at any depth.
fn expressions(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                match member {
                    Value::String(text) if key == "expr" || key == "query" => found.push(text.clone()),
                    member => expressions(member, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| expressions(item, found)),
        _ => {}
    }
}

#[tokio::test]
async fn the_dashboard_shows_all_of_our_metrics_and_no_other() {
    let dashboard: Value = serde_json::from_str(&example("grafana.json")).unwrap();
    let mut found = Vec::new();
    expressions(&dashboard, &mut found);
    assert!(found.len() > 8, "{found:?}");
    assert_eq!(names(&found.join("\n")), served().await);
    // In a Prometheus expression, the name of a metric comes before `{`. The dashboard may use only the library's own
    // metrics.
    for expression in &found {
        for (at, _) in expression.match_indices('{') {
            let name = expression[..at].rsplit(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
            let name = name.into_iter().next().unwrap();
            assert!(name.starts_with("healthcheck_"), "{expression}");
        }
    }
}

/// Validates a dashboard against the JSON schema in `schema.json`. Returns the error of the validation, or `None` if
/// the dashboard is valid.
fn problem(dashboard: &Value) -> Option<String> {
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    let place = "http://localhost/dashboard";
    let schema = serde_json::from_str(include_str!("schema.json")).unwrap();
    compiler.add_resource(place, schema).unwrap();
    let index = compiler.compile(place, &mut schemas).unwrap();
    let found = schemas.validate(dashboard, index);
    found.err().map(|error| format!("{error:#}"))
}

#[test]
fn the_dashboard_is_valid_by_a_schema_of_what_grafana_imports() {
    let dashboard: Value = serde_json::from_str(&example("grafana.json")).unwrap();
    assert_eq!(problem(&dashboard), None);
    for (place, value) in [
        ("/title", json!("")),
        ("/schemaVersion", json!("38")),
        ("/time/from", json!("6 hours ago")),
        ("/refresh", json!(30)),
        ("/panels", json!([])),
        ("/panels/0/gridPos/w", json!(25)),
        ("/panels/0/type", json!("singlestat")),
        ("/panels/0/datasource/uid", json!("P1809F7CD0C75ACF3")),
        ("/panels/0/options", json!({"colourMode": "background"})),
        (
            "/panels/0/fieldConfig/defaults/thresholds/steps/0/value",
            json!(0),
        ),
        ("/panels/0/targets/0", json!({"refId": "A"})),
        ("/templating/list/1/type", json!("queri")),
        ("/templating/list/1/query", json!("label_values(job)")),
    ] {
        let mut broken = dashboard.clone();
        *broken.pointer_mut(place).unwrap() = value;
        assert!(problem(&broken).is_some(), "{place}");
    }
}

#[test]
fn the_panels_lie_side_by_side_and_know_their_variables() {
    let dashboard: Value = serde_json::from_str(&example("grafana.json")).unwrap();
    let variables: Vec<&str> = dashboard["templating"]["list"]
        .as_array()
        .unwrap()
        .iter()
        .map(|variable| variable["name"].as_str().unwrap())
        .collect();
    assert_eq!(variables, ["datasource", "job", "instance"]);
    let panels = dashboard["panels"].as_array().unwrap();
    let (mut ids, mut taken) = (BTreeSet::new(), BTreeSet::new());
    for panel in panels {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "two panels of one id");
        let targets = panel["targets"].as_array().unwrap();
        let mut queries = BTreeSet::new();
        for target in targets {
            assert!(queries.insert(target["refId"].as_str().unwrap()), "two of one id");
            let expression = target["expr"].as_str().unwrap();
            assert!(
                expression.contains("{job=~\"$job\",instance=~\"$instance\"}"),
                "{expression}"
            );
        }
        let [x, y, w, h] = ["x", "y", "w", "h"].map(|key| panel["gridPos"][key].as_u64().unwrap());
        assert!(x + w <= 24, "the grid has 24 columns");
        for cell in (x..x + w).flat_map(|column| (y..y + h).map(move |row| (column, row))) {
            assert!(taken.insert(cell), "{} lies over another", panel["title"]);
        }
    }
}

#[tokio::test]
async fn the_alert_rules_name_only_metrics_of_ours() {
    let served = served().await;
    for file in ["rules.yml", "rules_test.yml"] {
        let used = names(&example(file));
        assert!(!used.is_empty() && used.is_subset(&served), "{file}: {used:?}");
    }
    let rules = example("rules.yml");
    assert!(rules.contains("healthcheck_status == 0") && rules.contains("absent("));
    assert!(!rules.contains("avg"), "an average hides what fails");
}
