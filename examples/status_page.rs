//! Serves the status page with checks of many kinds. The check `cache` alternates between pass and fail every 15
//! seconds.
//!
//! `cargo run --example status_page` runs this example. Open <http://127.0.0.1:8080/healthcheck> in a browser.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use healthcheck::{Check, HealthCheck, Outcome, Status};
use healthcheck_axum::{Endpoints, ServeError};
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), ServeError> {
    let health = HealthCheck::builder()
        .check(
            Check::new("database", async || {
                Ok::<_, String>("14 of 20 connections in use")
            })
            .description("The orders database accepts connections and answers a query.")
            .tags(["storage"])
            .external()
            .startup()
            .readiness(),
        )
        .check(
            Check::new("cache", async || every_other_half_minute())
                .description("The cache answers a PING.")
                .tags(["storage"])
                .critical(false)
                .external()
                .interval(Duration::from_secs(5)),
        )
        .check(
            Check::new("billing", async || -> Result<&str, String> {
                Err("connect: connection refused: http://billing.internal:8443/healthz".to_owned())
            })
            .description("The billing service says that it is well.")
            .owner("the billing team")
            .runbook("https://runbooks.example/billing")
            .when_it_fails("Invoices wait and lose nothing. Down for an hour: page the billing team.")
            .tags(["money"])
            .external()
            .failed_ttl(Duration::from_secs(5)),
        )
        .check(
            Check::blocking("disk", || {
                Outcome::warn("9 % left on /var/lib/orders (4.4 of 50 GB)")
            })
            .description("There is room for the next day's orders.")
            .tags(["storage"]),
        )
        .check(
            Check::new("consumer", async || {
                Outcome::pass(json!({ "lag": 3, "partitions": [0, 1, 2, 3] }))
            })
            .description("The consumer of the queue keeps up.")
            .tags(["queue"])
            .liveness(),
        )
        .check(
            Check::new("queue", async || "connected")
                .description("The queue is there to be read.")
                .tags(["queue"])
                .external()
                .depends_on(["database"]),
        )
        .check(
            Check::new("feature flags", async || "stale for 3 s")
                .description("The flags were fetched lately.")
                .external()
                .failure_threshold(3),
        )
        .section("version", json!({ "release": "2026.1.17", "commit": "0f3e1a9" }))
        .build()?;
    health
        .set_override(
            "feature flags",
            Status::Pass,
            Duration::from_secs(600),
            "the flag service is being moved",
        )
        .ok();
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    println!("open http://{address}/healthcheck");
    Endpoints::new(health)
        .name("orders")
        .version("2026.1.17")
        .serve(address)
        .await
}

fn every_other_half_minute() -> Outcome {
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    if (seconds / 15).is_multiple_of(2) {
        Outcome::pass("PONG")
    } else {
        Outcome::fail("timed out waiting for PONG from cache.internal:6379")
    }
}
