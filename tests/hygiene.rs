//! Tests that the code that the attributes generate compiles in any crate, even if the crate's own items have the same
//! names as items of the prelude and of the standard library.

#![allow(dead_code, non_camel_case_types, non_snake_case, unused_macros)]

use healthcheck::{env_section, health_check};

// The generated code uses types, variants and traits with these names. It must not use these types instead.
struct Option;
struct Some;
struct None;
struct Result;
struct Ok;
struct Err;
struct Box;
struct String;
struct Vec;
struct Duration;
struct Outcome;
struct Given;
struct Send;
struct Sync;
struct Clone;
struct Fn;
struct Into;
struct Future;
struct Drop;
// `u32` and `str` aren't keywords, so a crate can define its own types with these names.
struct u32;
struct str;

// The generated code uses crates with these names. It must not use these modules instead.
mod core {}
mod std {}
mod alloc {}
mod inventory {}
mod serde {}
mod __private {}

// The generated code calls macros with these names. It must not call these macros instead.
macro_rules! module_path {
    () => {
        compile_error!("not the one of core")
    };
}
macro_rules! file {
    () => {
        compile_error!("not the one of core")
    };
}
macro_rules! line {
    () => {
        compile_error!("not the one of core")
    };
}
macro_rules! option_env {
    ($name:literal) => {
        compile_error!("not the one of core")
    };
}
macro_rules! submit {
    ($($tokens:tt)*) => {
        compile_error!("not the one of inventory")
    };
}

// The generated code calls functions with these names. It must not call these functions instead.
fn boxed() {}
fn async_with() {}
fn blocking_with() {}
fn into_outcome() {}
fn options() {}

#[derive(::core::clone::Clone)]
struct Client(bool);

#[health_check(
    liveness,
    tags("a"),
    critical = false,
    timeout = "2s",
    success_ttl = "none",
    failed_ttl = "9s",
    failure_threshold = 3,
    fail_after = "60s",
    depends_on("asynchronous"),
    owner = "orders",
    runbook = "https://runbooks.example/orders"
)]
/// # When it fails
/// Wait.
fn every_option() -> bool {
    true
}

#[health_check(interval = "10s", initial_delay = "1ms")]
fn background() {}

#[health_check]
async fn asynchronous() -> ::core::result::Result<&'static ::core::primitive::str, ::std::io::Error> {
    ::core::result::Result::Ok("fine")
}

#[health_check]
fn with(client: &Client, owned: Client) -> bool {
    client.0 && owned.0
}

#[health_check]
async fn async_with_dependencies(client: &Client, owned: Client) -> bool {
    client.0 && owned.0
}

#[env_section(in_health)]
fn section() -> u8 {
    1
}

#[env_section]
async fn async_section(client: &Client) -> ::core::result::Result<bool, ::std::io::Error> {
    ::core::result::Result::Ok(client.0)
}

#[::tokio::test]
async fn shadowed_names_change_nothing() -> ::core::result::Result<(), ::healthcheck::BuildError> {
    let health = ::healthcheck::HealthCheck::builder()
        .provide(Client(true))
        .build()?;
    let report = health.report().await;
    assert_eq!(report.results.len(), 5);
    assert!(
        report
            .results
            .iter()
            .all(|result| result.passed || result.checker == "background")
    );
    assert_eq!(report.sections["section"], 1);
    let page = health.environment().build()?.collect().await;
    assert_eq!(page["async_section"], true);
    ::core::result::Result::Ok(())
}
