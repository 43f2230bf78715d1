//! Prometheus, which scrapes with nothing but `metrics_path`, and the rules that are shipped for it.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::servers::Server;
use crate::service::{Service, announce, example, get, until};

fn promtool(arguments: &[&str], input: &str) -> String {
    let mut tool = Command::new("promtool")
        .args(arguments)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/prometheus"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("promtool: {error}; .ci/install-clients installs it"));
    tool.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = tool.wait_with_output().unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(output.status.success(), "promtool {arguments:?}: {text}");
    text
}

#[test]
fn the_metrics_are_free_of_objections() {
    announce("promtool", &["--version"]);
    let mut service = Service::start(&[]);
    service.tell("fail database a\"b\\c");
    get(service.address, "/healthcheck", &[]).unwrap();
    let metrics = get(service.address, "/healthcheck?format=prometheus", &[]).unwrap();
    assert!(metrics.body.contains("healthcheck_status{check=\"database\"} 0\n"));
    assert_eq!(promtool(&["check", "metrics"], &metrics.body), "");
}

#[test]
fn the_shipped_rules_and_configuration_hold() {
    promtool(&["check", "rules", "rules.yml"], "");
    promtool(&["test", "rules", "rules_test.yml"], "");
    promtool(&["check", "config", "prometheus.yml"], "");
}

#[test]
fn it_scrapes_with_only_a_path_and_its_alert_follows_a_failure() {
    announce("prometheus", &["--version"]);
    let mut service = Service::start(&[]);
    let prometheus = Server::start(|folder, port| {
        let configuration = example(
            "prometheus/prometheus.yml",
            &[("127.0.0.1:8080", &service.address.to_string()), ("15s", "250ms")],
        );
        fs::write(folder.join("prometheus.yml"), configuration).unwrap();
        // What takes a minute there is at once here.
        let rules = example("prometheus/rules.yml", &[("for: 1m", "for: 0s"), ("for: 2m", "for: 0s")]);
        fs::write(folder.join("rules.yml"), rules).unwrap();
        let mut command = Command::new("prometheus");
        command
            .arg(format!("--config.file={}", folder.join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"));
        command
    });
    let address = format!("127.0.0.1:{}", prometheus.port);
    let api = |path: &str| -> Value {
        let answer = get(&address, &format!("/api/v1/{path}"), &[]).unwrap();
        serde_json::from_str::<Value>(&answer.body).unwrap_or(Value::Null)["data"].clone()
    };
    let value = |query: &str| {
        let result = api(&format!("query?query={query}"))["result"].clone();
        result[0]["value"][1].as_str().map(str::to_owned)
    };
    let await_value = |query: &str, wanted: Option<&str>| {
        until(query, || match value(query) {
            seen if seen.as_deref() == wanted => Ok(()),
            seen => Err(format!("{seen:?}, {}", api("targets")["activeTargets"][0])),
        });
    };
    let alerts = || -> Vec<String> {
        let alerts = api("alerts")["alerts"].clone();
        let labels = alerts.as_array().into_iter().flatten().map(|alert| &alert["labels"]);
        let mut names: Vec<String> = labels
            .map(|labels| {
                let about = labels["check"].as_str().or(labels["probe"].as_str()).unwrap_or("all");
                format!("{} {about}", labels["alertname"].as_str().unwrap())
            })
            .collect();
        names.sort();
        names
    };
    let await_alerts = |wanted: &[&str]| {
        until("the alerts", || match alerts() {
            seen if seen == wanted => Ok(()),
            seen => Err(format!("{seen:?}")),
        });
    };

    await_value("up", Some("1"));
    await_value("healthcheck_status%7Bcheck%3D%22database%22%7D", Some("1"));
    await_value("count(healthcheck_probe_status)", Some("4"));
    await_alerts(&[]);
    service.tell("fail database connection refused");
    await_value("healthcheck_status%7Bcheck%3D%22database%22%7D", Some("0"));
    await_alerts(&["HealthCheckFails database", "ServiceNotReady readiness"]);
    // The scrape goes on, though the health path is answered 503 to everybody else.
    assert_eq!(get(service.address, "/healthcheck", &[]).unwrap().status, 503);
    await_value("up", Some("1"));
    service.tell("warn disk 9 % left");
    await_value("healthcheck_status%7Bcheck%3D%22disk%22%7D", Some("0.5"));
    service.tell("pass database");
    await_alerts(&[]);
    let counted = value("healthcheck_runs_total%7Bcheck%3D%22database%22%2Cstatus%3D%22fail%22%7D");
    assert!(counted.is_some_and(|count| count.parse::<u32>().unwrap() > 0));
}
