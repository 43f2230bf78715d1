//! Measures how long a process with 200 environment variables takes to send its environment page.
//!
//! `cargo bench -p healthcheck-benches --bench environment` runs this bench.
//!
//! The bench starts its own binary 41 times. Each process has exactly 200 environment variables: paths, addresses with
//! passwords, hashes, flags and words.
//!
//! The environment page has all built-in sections and one annotated section. On Linux the built-in sections read the
//! kernel's files. On other systems they use the crate sysinfo.
//!
//! Each process requests `/environment` twice through `router()`, as a client on the same machine, and reads the
//! complete body. The first request shows how long the first page of a process takes. The second request shows how long
//! every later page takes.

#![allow(clippy::print_stdout, reason = "this is what the parent reads")]

use std::env;
use std::net::SocketAddr;
use std::process::Command;
use std::time::Instant;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode};
use healthcheck::env_section;
use healthcheck_axum::Endpoints;
use healthcheck_benches::pairs::median;
use healthcheck_benches::{Result, figure, samples};
use http_body_util::BodyExt;
use tokio::runtime::Runtime;
use tower_service::Service;

const STARTS: usize = 41;
const VARIABLES: usize = 200;
const ASK: &str = "HEALTHCHECK_BENCH_ASKS";

#[env_section]
fn application() -> [(&'static str, &'static str); 1] {
    [("git_repo", "https://example.com/app")]
}

fn main() -> Result {
    if env::var_os(ASK).is_some() {
        return ask();
    }
    figure::heading("The environment page");
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let output = Command::new(env::current_exe()?)
            .env_clear()
            .envs((1..VARIABLES).map(variable))
            .env(ASK, "1")
            .output()?;
        let text = String::from_utf8(output.stdout)?;
        let mut numbers = text.split_whitespace().map(str::parse::<f64>);
        first.push(
            numbers
                .next()
                .ok_or_else(|| String::from_utf8_lossy(&output.stderr).into_owned())??,
        );
        second.push(numbers.next().ok_or("no second answer")??);
    }
    figure::at_most("the first time, cold", median(first), 5.0, "ms");
    figure::at_most("the second time", median(second), 5.0, "ms");
    Ok(())
}

fn ask() -> Result {
    let runtime = Runtime::new()?;
    let health = samples::by_hand()
        .check(healthcheck::Check::new("a", async || true))
        .build()?;
    let mut router = Endpoints::new(health).router()?;
    for _ in 0..2 {
        let mut request = Request::get("/environment").body(Body::empty())?;
        request
            .extensions_mut()
            .insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 40_000))));
        let began = Instant::now();
        let (status, body) = runtime.block_on(async {
            let answer = router.call(request).await?;
            let status = answer.status();
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>((
                status,
                answer.into_body().collect().await?.to_bytes(),
            ))
        })?;
        let took = began.elapsed();
        let page: serde_json::Value = serde_json::from_slice(&body)?;
        let variables = page["process"]["environ"]
            .as_object()
            .map_or(0, serde_json::Map::len);
        if status != StatusCode::OK || variables != VARIABLES {
            return Err(format!("{status}, {variables} variables: {page}").into());
        }
        println!("{}", took.as_secs_f64() * 1e3);
    }
    Ok(())
}

/// Returns the name and the value of an environment variable. The index selects one of eight kinds of typical values.
fn variable(index: usize) -> (String, String) {
    let value = match index % 8 {
        0 => format!("/usr/local/lib/app{index}/bin:/usr/bin:/bin"),
        1 => format!("postgres://app:hunter{index}@db.internal:5432/prod"),
        2 => "production".to_owned(),
        3 => format!("{index}"),
        4 => format!("https://service-{index}.example.com/api/v1?page=2"),
        5 => "58e6b3a414a1e090dfc6029add0f3555ccba127f".to_owned(),
        6 => format!("-Xmx512m -Dfile.encoding=UTF-8 -Dport={index}"),
        _ => "some words of a description that is a little longer".to_owned(),
    };
    (format!("SERVICE_{index}_SETTING"), value)
}
