use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};

use healthcheck_tests::free_addr;
use serde_json::Value;

use crate::client::{Client, example, print_version};
use crate::process::{Served, get};

/// Evaluates an expression through the HTTP API of Prometheus. Returns the labels and the value of each time series in
/// the result.
fn query(prometheus: SocketAddr, expression: &str) -> Option<Vec<(Value, String)>> {
    let escaped: String = expression
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect();
    let mut stream = TcpStream::connect(prometheus).ok()?;
    write!(
        stream,
        "GET /api/v1/query?query={escaped} HTTP/1.0\r\nHost: localhost\r\n\r\n"
    )
    .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (_, body) = answer.split_once("\r\n\r\n")?;
    let body: Value = serde_json::from_str(body).ok()?;
    let found = body["data"]["result"].as_array()?;
    let series = found.iter().map(|one| {
        (
            one["metric"].clone(),
            one["value"][1].as_str().unwrap().to_owned(),
        )
    });
    Some(series.collect())
}

#[test]
fn up_the_status_and_the_alerts_follow_a_failure_with_nothing_but_the_path_configured() {
    print_version("prometheus", &["--version"]);
    let (mut served, addr) = Served::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let (target, listen) = (addr.to_string(), free_addr());
    let faster = [
        ("127.0.0.1:8080", &*target),
        ("scrape_interval: 15s", "scrape_interval: 1s"),
        ("evaluation_interval: 15s", "evaluation_interval: 1s"),
    ];
    for (name, replacements) in [
        ("prometheus.yml", &faster[..]),
        ("rules.yml", &[("for: 1m", "for: 2s")]),
    ] {
        let text = example(&format!("prometheus/{name}"), replacements);
        fs::write(folder.path().join(name), text).unwrap();
    }
    let mut command = Command::new("prometheus");
    command
        .arg(format!(
            "--config.file={}",
            folder.path().join("prometheus.yml").display()
        ))
        .arg(format!(
            "--storage.tsdb.path={}",
            folder.path().join("data").display()
        ))
        .arg(format!("--web.listen-address={listen}"));
    let mut prometheus = Client::start(&mut command, folder.path());
    let mut wait_for = |expression: &str, wanted: &str| {
        prometheus.wait_until(&format!("{expression} is {wanted}"), || {
            query(listen, expression).is_some_and(|found| matches!(&*found, [(_, value)] if value == wanted))
        });
    };
    let firing = |alert: &str| format!("ALERTS{{alertname=\"{alert}\",alertstate=\"firing\"}}");
    let (breakable, readiness) = (
        "healthcheck_status{check=\"breakable\",job=\"shop\"}",
        "healthcheck_probe_status{probe=\"readiness\"}",
    );
    wait_for("up{job=\"shop\"}", "1");
    wait_for(breakable, "1");

    served.tell("break");
    wait_for(breakable, "0");
    wait_for(readiness, "0");
    wait_for(&firing("HealthCheckFails"), "1");
    wait_for(&firing("ServiceNotReady"), "1");
    wait_for("up{job=\"shop\"}", "1");

    served.tell("repair");
    wait_for(breakable, "1");
    wait_for(
        &format!("count({}) or vector(0)", firing("HealthCheckFails")),
        "0",
    );

    drop(served);
    wait_for("up{job=\"shop\"}", "0");
    wait_for(&firing("ServiceDown"), "1");
    wait_for(&firing("ServiceAbsent"), "1");
}

#[test]
fn promtool_finds_nothing_wrong_with_the_rules_and_they_do_what_their_tests_say() {
    print_version("promtool", &["--version"]);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/prometheus");
    for arguments in [
        ["check", "config", "prometheus.yml"],
        ["check", "rules", "rules.yml"],
        ["test", "rules", "rules_test.yml"],
    ] {
        let output = Command::new("promtool")
            .args(arguments)
            .current_dir(&folder)
            .output()
            .unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(
            output.status.success() && said.contains("SUCCESS"),
            "{arguments:?}: {said}"
        );
    }
}

#[test]
fn promtool_has_nothing_to_say_about_the_metrics() {
    print_version("promtool", &["--version"]);
    let (mut served, addr) = Served::start(&[]);
    for command in ["calm", "break", "maintenance"] {
        served.tell(command);
        // A request for a report waits until the checks have run. The request for metrics below doesn't wait for
        // checks, so the request for a report comes first.
        get(addr, "/healthcheck");
        let metrics = get(addr, "/healthcheck?format=prometheus").body;
        assert!(
            metrics.contains("healthcheck_status{check=\"breakable\"}"),
            "{metrics}"
        );
        let mut promtool = Command::new("promtool")
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("promtool; .ci/install-clients installs it");
        promtool
            .stdin
            .take()
            .unwrap()
            .write_all(metrics.as_bytes())
            .unwrap();
        let output = promtool.wait_with_output().unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(output.status.success() && said.is_empty(), "{said}\n{metrics}");
    }
}
