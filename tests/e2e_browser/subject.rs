//! A service that tests start as a child process, to test it with real clients such as browsers.
//!
//! The service prints "listening ADDRESS". It then reads one command from each line of its standard input: "pass NAME",
//! "warn NAME OUTPUT", "fail NAME OUTPUT", "maintenance REASON" or "end maintenance".
//!
//! The argument `scene=empty` removes all checks. `scene=shared` adds an `external` check and a check with `fail_after`
//! to the default checks. `scene=denied` denies all clients the environment page. `scene=bearer` allows the page only
//! with a token.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::HashMap;
use std::io::BufRead;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use healthcheck::{Check, HealthCheck, HealthCheckBuilder, Outcome, Status};
use healthcheck_axum::{Access, Endpoints, ServeError};
use serde_json::json;
use tokio::net::TcpListener;

/// Maps the name of each check to the status and the output of its next run. Commands change these values.
#[derive(Clone, Default)]
struct Levers(Arc<Mutex<HashMap<String, (Status, String)>>>);

impl Levers {
    fn check(&self, name: &'static str) -> Check {
        let levers = self.clone();
        Check::new(name, move || {
            let said = levers.0.lock().unwrap().get(name).cloned();
            async move {
                match said {
                    None => Outcome::pass("fine"),
                    Some((Status::Pass, output)) => Outcome::pass(output),
                    Some((Status::Warn, output)) => Outcome::warn(output),
                    Some((Status::Fail, output)) => Outcome::fail(output),
                }
            }
        })
    }
}

fn with_checks(builder: HealthCheckBuilder, levers: &Levers) -> HealthCheckBuilder {
    builder
        .check(
            levers
                .check("database")
                .description("The orders database answers.")
                .tags(["storage"]),
        )
        .check(
            levers
                .check("disk")
                .description("There is room on the disk.")
                .tags(["storage", "system"]),
        )
        .check(
            levers
                .check("recommendations")
                .description("The recommendations service answers.")
                .tags(["external"])
                .critical(false),
        )
        .check(
            levers
                .check("worker")
                .liveness()
                .success_ttl(Duration::from_secs(60)),
        )
        .check(levers.check("<script>alert(1)</script>".trim_end_matches("</script>")))
}

#[tokio::main]
async fn main() -> Result<(), ServeError> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    let arguments: HashMap<String, String> = std::env::args()
        .skip(1)
        .filter_map(|argument| {
            let (key, value) = argument.split_once('=')?;
            Some((key.to_owned(), value.to_owned()))
        })
        .collect();
    let scene = arguments.get("scene").map_or("", String::as_str);
    let levers = Levers::default();
    let builder = HealthCheck::builder()
        .discover(false)
        .success_ttl(None)
        .failed_ttl(None)
        .section("version", json!({ "release": "1.2.3", "image_bytes": 3_355_443 }));
    let builder = match scene {
        "empty" => builder,
        "shared" => with_checks(builder, &levers)
            .check(
                levers
                    .check("etcd")
                    .external()
                    .owner("the platform team")
                    .runbook("https://runbooks.example/etcd")
                    .when_it_fails("An election takes 10 s: wait."),
            )
            .check(levers.check("queue").fail_after(Duration::from_secs(60))),
        _ => with_checks(builder, &levers),
    };
    let health = builder.build()?;
    let mut endpoints = Endpoints::new(health.clone())
        .name("orders")
        .version("1.2.3")
        .openapi(true);
    endpoints = match scene {
        "denied" => endpoints.environment_access(Access::denied()),
        "bearer" => endpoints.environment_access(Access::bearer("correct horse")),
        _ => endpoints,
    };
    if let Some(delay) = arguments.get("delay") {
        endpoints = endpoints.shutdown_delay(Duration::from_millis(delay.parse().unwrap()));
    }
    if let Some(addr) = arguments.get("agent") {
        endpoints = endpoints.haproxy_agent(addr);
    }
    let addr = arguments.get("addr").map_or("127.0.0.1:0", String::as_str);
    let listener = TcpListener::bind(addr).await.unwrap();
    println!("listening {}", listener.local_addr().unwrap());
    std::thread::spawn(move || obey(&health, &levers));
    endpoints.serve_on(listener).await
}

fn obey(health: &HealthCheck, levers: &Levers) {
    for command in std::io::stdin().lock().lines().map_while(Result::ok) {
        let mut words = command.splitn(3, ' ');
        let (verb, name) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let said = words.next().unwrap_or_default().to_owned();
        let status = match verb {
            "pass" => Status::Pass,
            "warn" => Status::Warn,
            "fail" => Status::Fail,
            "maintenance" => {
                health.begin_maintenance(name);
                println!("done");
                continue;
            }
            "end" => {
                health.end_maintenance();
                println!("done");
                continue;
            }
            other => panic!("no such command: {other}"),
        };
        levers.0.lock().unwrap().insert(name.to_owned(), (status, said));
        println!("done");
    }
}
