//! Tests that the attributes generate code that causes no lint warning, even in a crate with very strict lints.
//!
//! `cargo clippy --all-targets` checks this file. The lints below turn every warning into an error.

#![forbid(unsafe_code)]
#![deny(
    warnings,
    future_incompatible,
    let_underscore,
    nonstandard_style,
    rust_2018_idioms,
    unused,
    absolute_paths_not_starting_with_crate,
    elided_lifetimes_in_paths,
    explicit_outlives_requirements,
    missing_copy_implementations,
    missing_debug_implementations,
    missing_docs,
    non_ascii_idents,
    redundant_lifetimes,
    single_use_lifetimes,
    trivial_casts,
    trivial_numeric_casts,
    unit_bindings,
    unnameable_types,
    unreachable_pub,
    unused_import_braces,
    unused_lifetimes,
    unused_qualifications,
    unused_results,
    variant_size_differences,
    clippy::all,
    clippy::pedantic,
    clippy::nursery,
    clippy::absolute_paths,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::as_conversions,
    clippy::clone_on_ref_ptr,
    clippy::default_numeric_fallback,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::let_underscore_must_use,
    clippy::let_underscore_untyped,
    clippy::min_ident_chars,
    clippy::missing_docs_in_private_items,
    clippy::panic,
    clippy::pattern_type_mismatch,
    clippy::pub_use,
    clippy::question_mark_used,
    clippy::redundant_type_annotations,
    clippy::renamed_function_params,
    clippy::semicolon_outside_block,
    clippy::shadow_reuse,
    clippy::shadow_same,
    clippy::shadow_unrelated,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::str_to_string,
    clippy::unwrap_used,
    clippy::use_debug,
    clippy::wildcard_imports
)]

use std::env::current_dir;
use std::io::Error as IoError;
use std::thread::yield_now;

use healthcheck::{BuildError, HealthCheck, IntoOutcome, env_section, health_check};
use serde::Serialize;
use tokio::task;

/// A dependency that checks in this file have as a parameter.
#[derive(Clone, Debug)]
struct Client(String);

/// Returns nothing.
#[health_check]
fn nothing() {
    yield_now();
}

/// Returns nothing, from an async function.
///
/// # When it fails
/// It can't fail.
#[health_check(
    name = "nothing later",
    tags("cache"),
    critical = true,
    timeout = "2s",
    failed_ttl = "none",
    fail_after = "60s",
    depends_on("nothing"),
    owner = "orders",
    runbook = "https://runbooks.example/orders"
)]
async fn nothing_later() {
    task::yield_now().await;
}

/// Returns a `Result`.
#[health_check(liveness, interval = "10s", failure_threshold = 3)]
fn result() -> Result<bool, IoError> {
    current_dir().map(|path| path.is_absolute())
}

/// Returns a pair of a verdict and a value.
#[health_check]
fn pair() -> (bool, impl Serialize) {
    yield_now();
    (true, 7_u8)
}

/// Returns `impl IntoOutcome`.
#[health_check]
async fn hidden() -> impl IntoOutcome {
    task::yield_now().await;
    "fine"
}

/// Returns a reference into its parameter.
#[health_check]
fn borrows(client: &Client) -> &str {
    &client.0
}

/// Borrows its parameter across an await.
#[health_check]
async fn borrows_later(client: &Client, owned: Client) -> String {
    task::yield_now().await;
    [client.0.as_str(), &owned.0].concat()
}

/// A deprecated check. Only the registry calls it.
#[health_check]
#[deprecated = "for this test"]
fn deprecated() {
    yield_now();
}

/// Takes a parameter of a deprecated type.
#[health_check]
#[expect(deprecated, reason = "the registration names the type, too")]
fn of_a_deprecated_type(old: &Old) -> bool {
    yield_now();
    old.0
}

/// A deprecated type.
#[deprecated = "for this test"]
#[derive(Debug)]
struct Old(bool);

/// A plain section.
#[env_section]
fn section() -> u8 {
    yield_now();
    1
}

/// A section that may fail.
#[env_section(name = "failing", in_health)]
async fn failing_section(client: &Client) -> Result<String, IoError> {
    task::yield_now().await;
    current_dir().map(|_| client.0.clone())
}

/// A section without a value.
#[env_section]
fn empty_section() {
    yield_now();
}

/// A section that returns `impl Serialize`.
#[env_section]
fn hidden_section() -> impl Serialize {
    yield_now();
    7_u8
}

/// Only the registry calls the functions above. This test shows that the compiler's lint for dead code doesn't report
/// them.
#[tokio::test]
#[expect(
    clippy::question_mark_used,
    reason = "the lint is for what the attributes add"
)]
async fn the_strictest_crate_has_checks_that_run() -> Result<(), BuildError> {
    #[expect(deprecated, reason = "for this test")]
    let old = Old(true);
    let health = HealthCheck::builder()
        .provide(Client("fine".to_owned()))
        .provide(old)
        .build()?;
    let report = health.report().await;
    assert!(report.results.iter().all(|result| result.passed));
    assert_eq!(report.results.len(), 9);
    Ok(())
}
