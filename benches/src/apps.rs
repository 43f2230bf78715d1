//! Generates three small axum applications: one without the library, and two that use the library as the README shows.

use crate::Result;
use crate::generated::Package;

/// The dependencies of every generated application, as lines of its `Cargo.toml`.
const AXUM: &str =
    "axum = \"0.8\"\ntokio = { version = \"1\", features = [\"macros\", \"rt-multi-thread\"] }\n";

/// The dependencies on this library with its default features, as lines of a `Cargo.toml`.
const OURS: &str = "healthcheck = { path = \"{workspace}/healthcheck\" }\n\
    healthcheck-axum = { path = \"{workspace}/healthcheck-axum\" }\n";

const HEAD: &str = r#"
use axum::{Router, routing::get};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;
"#;

const CHECKS: &str = r#"
#[healthcheck::health_check]
fn addition_works() -> (bool, &'static str) {
    (1 + 1 == 2, "addition works")
}

/// The queue of orders stays short.
#[healthcheck::health_check(timeout = "2s")]
async fn orders() -> std::io::Result<&'static str> {
    tokio::task::yield_now().await;
    Ok("3 orders wait")
}

#[healthcheck::env_section]
fn application() -> [(&'static str, &'static str); 1] {
    [("maintainer", "the team")]
}
"#;

/// Writes the source of an application that doesn't use the library.
///
/// # Errors
/// Returns an error if the files can't be written.
pub fn bare() -> Result<Package> {
    let source = format!("{HEAD}{}", main_with("", ""));
    Package::write("bare", AXUM, &[("src/main.rs", source)])
}

/// Writes the source of an application with two checks and a section. The application merges the library's routes into
/// its own router.
///
/// # Errors
/// Returns an error if the files can't be written.
pub fn merged() -> Result<Package> {
    let source = format!(
        "{HEAD}{CHECKS}{}",
        main_with("", ".merge(healthcheck_axum::router()?)")
    );
    Package::write("merged", &format!("{AXUM}{OURS}"), &[("src/main.rs", source)])
}

/// Writes the source of an application with two checks and a section. The application calls the library's `serve`,
/// which serves the health endpoints on their own port and thread.
///
/// # Errors
/// Returns an error if the files can't be written.
pub fn served() -> Result<Package> {
    let served = "tokio::spawn(async { healthcheck_axum::serve(\"127.0.0.1:0\").await });";
    let source = format!("{HEAD}{CHECKS}{}", main_with(served, ""));
    Package::write("served", &format!("{AXUM}{OURS}"), &[("src/main.rs", source)])
}

/// Returns the source of the function `main` of an application. This `main` prints the address of its server, and
/// serves until the process is killed.
fn main_with(before: &str, route: &str) -> String {
    format!(
        r#"
#[tokio::main]
async fn main() -> Result {{
    {before}
    let app = Router::new().route("/", get(async || "hello")){route};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("{{}}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}}
"#
    )
}
