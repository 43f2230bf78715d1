//! The attributes of the crate `healthcheck`, which re-exports them. Depend on that one.
//!
//! The steps of an expansion: `args` reads the attribute's arguments, `check_options` and `section_options` interpret them,
//! `function` reads the item, `signature`, `dependency` and `rules` check it, `health_check` and `env_section` write the
//! record, and `registration` puts it beside the function.
// The examples' functions stand where a reader expects them, at the top level.
#![allow(clippy::needless_doctest_main)]

use proc_macro2::TokenStream;

use crate::problems::Problems;

mod args;
mod check_options;
mod section_options;

mod doc_comment;
mod function;

mod dependency;
mod duration;
mod rules;
mod signature;

mod env_section;
mod health_check;
mod registration;

mod problems;

/// Registers a function as a health check. `HealthCheck::discover` finds it, in every linked crate, and runs it when a
/// report is requested and its last result is too old.
///
/// ```standalone_crate
/// use healthcheck::{HealthCheck, health_check};
///
/// #[health_check]
/// fn addition_works() -> (bool, &'static str) {
///     (1 + 1 == 2, "addition works")
/// }
///
/// /// The orders database accepts connections.
/// #[health_check(timeout = "2s", tags("database"))]
/// async fn database() -> std::io::Result<&'static str> {
///     tokio::net::TcpStream::connect("127.0.0.1:5432").await?;
///     Ok("database ok")
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), healthcheck::BuildError> {
/// let health = HealthCheck::discover()?;
/// let report = health.report().await;
/// assert_eq!(report.results[0].checker, "addition_works");
/// assert_eq!(report.results[1].checker, "database");
/// # Ok(())
/// # }
/// ```
///
/// # The function
///
/// The function is a free function, `async` or not. It stays as you wrote it: you can call and test it, and it keeps its
/// visibility and its other attributes. A function that isn't `async` runs on a thread of its own, so it may block.
///
/// It can't be `const`, `unsafe`, `extern`, generic or variadic, and it can't be in an `impl` block or a trait: take as a
/// parameter what would be `self`. If its signature doesn't show that it is in an `impl` block, the compiler reports
/// "`const` items in this context need a name".
///
/// It returns one of the types of `healthcheck::IntoOutcome`: nothing, a `bool`, a text, a JSON value, `(bool, T)`, an
/// `Outcome`, or a `Result` of one of these. The output of an error is its message and those of all its sources.
///
/// The first paragraph of its doc comment is the check's description, on one line and without its full stop. The text
/// below a heading `# When it fails` says what to do. It is shown beside the output while the check doesn't pass, with its
/// line breaks, and ends at the next heading of the same level or above. The attribute can't read the file of
/// `#[doc = include_str!("…")]`.
///
/// ```standalone_crate
/// use healthcheck::{HealthCheck, health_check};
///
/// /// The orders database accepts connections.
/// ///
/// /// # When it fails
/// /// A failover takes 40 s: wait.
/// /// Longer: page the storage team.
/// #[health_check(external, fail_after = "60s", owner = "orders", runbook = "https://runbooks.example/orders")]
/// async fn database() -> std::io::Result<&'static str> {
///     tokio::net::TcpStream::connect("127.0.0.1:5432").await?;
///     Ok("database ok")
/// }
///
/// # fn main() -> Result<(), healthcheck::BuildError> {
/// let health = HealthCheck::discover()?;
/// for check in health.checks() {
///     assert_eq!(
///         check.options().when_it_fails(),
///         Some("A failover takes 40 s: wait.\nLonger: page the storage team.")
///     );
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Parameters
///
/// A parameter is a dependency: a value of exactly this type, which `HealthCheckBuilder::provide` gives. Take `&T`, or `T`,
/// which is cloned for each run. If values aren't provided, building the `HealthCheck` is an error that lists every
/// missing type of every check.
///
/// ```standalone_crate
/// use std::sync::Arc;
///
/// use healthcheck::{HealthCheck, health_check};
///
/// trait Broker: Send + Sync {
///     fn queued(&self) -> usize;
/// }
/// struct Limit(usize);
///
/// #[health_check]
/// fn queue(broker: &Arc<dyn Broker>, limit: &Limit) -> (bool, String) {
///     let queued = broker.queued();
///     (queued < limit.0, format!("{queued} messages are waiting"))
/// }
///
/// # struct InMemory;
/// # impl Broker for InMemory {
/// #     fn queued(&self) -> usize {
/// #         3
/// #     }
/// # }
/// # fn main() -> Result<(), healthcheck::BuildError> {
/// let health = HealthCheck::builder()
///     .provide::<Arc<dyn Broker>>(Arc::new(InMemory))
///     .provide(Limit(1_000))
///     .build()?;
/// # let _ = health;
/// # Ok(())
/// # }
/// ```
///
/// `T` is a concrete type, sized, `Send + Sync + 'static`, and has no reference in it. These are refused:
///
/// | instead of | take |
/// |---|---|
/// | `&mut T` | `&Mutex<T>` |
/// | `&str` | `&String`, or better a type of your own |
/// | `&[T]` | `&Vec<T>` |
/// | `&dyn Trait` | `&Arc<dyn Trait>` |
/// | `Option<&T>`, `impl Trait`, a named lifetime | `&T` |
///
/// The name of a parameter may be any pattern. `#[cfg]` on a parameter is refused.
///
/// # Options
///
/// Each option is optional and is given at most once, in any order. Values are literals, so the compiler checks them.
///
/// | option | default | meaning |
/// |---|---|---|
/// | `name = "redis"` | the function's name, without `r#` | The name in reports, URLs and settings; unique in the program |
/// | `liveness` | no | Belongs to the liveness probe: a restart repairs its failure |
/// | `readiness` | yes, if no probe is given | Belongs to the readiness probe: while it fails, no traffic should come |
/// | `startup` | no | Belongs to the startup probe: until it has passed, readiness fails, "starting". Then it isn't run again, unless it belongs to another probe too |
/// | `tags("cache", "external")` | none | Words by which requests select checks |
/// | `critical = false` | `true` | Its failure degrades the whole instead of failing it |
/// | `external` | no | It tests something outside the process that other instances share. Its failure degrades readiness instead of failing it, unless you write `critical = true`. Refused together with `liveness`, since a restart doesn't repair it |
/// | `timeout = "2s"` | the program's, 5 s | A run that takes longer has failed; `"none"`: no limit |
/// | `success_ttl = "27s"` | the program's, 27 s | How long a pass is cached; `"none"`: not cached |
/// | `failed_ttl = "9s"` | the program's, 9 s | How long a failure is cached; `"none"`: not cached |
/// | `interval = "10s"` | none | Runs in the background that often, ± 10 %, and requests read the last result. It is stale after two intervals and the timeout. Refused together with a TTL |
/// | `initial_delay = "1s"` | none | The first background run begins that long after the start; until then the check fails, "not run yet"; needs `interval` |
/// | `failure_threshold = 3` | `1` | So many runs in a row have to fail before the check is shown as failing; applies after the first pass |
/// | `success_threshold = 2` | `1` | So many runs in a row have to pass before the check is shown as passing again |
/// | `warn_threshold = 2` | `1` | So many runs in a row have to warn before the check is shown as a warning; applies after the first pass |
/// | `fail_after = "60s"` | none | A failure is shown as a warning until it has lasted that long; applies after the first pass and in addition to `failure_threshold`; a pass ends it |
/// | `depends_on("dns")` | none | Checks that have to pass. While one fails, this one isn't run and fails, "blocked by dns" |
/// | `owner = "orders"` | none | The team to call; shown while the check doesn't pass |
/// | `runbook = "https://…"` | none | The address of the page that says what to do; shown while the check doesn't pass |
/// | `crate = path::to::healthcheck` | `::healthcheck` | The path of the library, if it is renamed in Cargo.toml (`crate = hc`) or re-exported by another crate |
///
/// A duration is a text of numbers with units: `"250ms"`, `"2s"`, `"1m 30s"`, `"1h"`. `timeout`, `interval`,
/// `initial_delay` and `fail_after` are longer than zero. Thresholds are whole numbers from 1 to 4294967295.
///
/// A name is one segment of a URL's path. It isn't empty, `.`, `..`, `history` or `openapi.json`, it doesn't begin or end
/// with a space, and it has no `/`, no `?` and no control character. Other characters are allowed; a request has to
/// percent-encode some of them, like a space, `#` and `%`. Tags, owner and runbook are texts on one line: not empty, and
/// without control characters.
///
/// # Errors
///
/// All mistakes in one function are compile errors, reported together, each at its place. `HealthCheckBuilder::build`
/// reports two checks with the same name, a dependency that isn't provided, and a `depends_on` that names no check.
///
/// Rust doesn't link a crate that nothing refers to, so its checks would be missing: write `use my_checks as _;`.
///
/// ```compile_fail
/// use healthcheck::health_check;
///
/// #[health_check(timeout = "soon")] // `soon` isn't a duration
/// fn database() {}
/// ```
#[proc_macro_attribute]
pub fn health_check(args: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    expand(health_check::expand, args, item)
}

/// Registers a function as a section of the environment page. `EnvironmentDump::discover` finds it, in every linked crate.
/// The page shows the value that it returns, redacted, under its name.
///
/// ```standalone_crate
/// use healthcheck::{EnvironmentDump, env_section};
/// use serde::Serialize;
///
/// #[derive(Serialize)]
/// struct Application {
///     maintainer: &'static str,
///     git_repo: &'static str,
/// }
///
/// #[env_section]
/// fn application() -> Application {
///     Application {
///         maintainer: "the orders team",
///         git_repo: "https://example.com/orders",
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), healthcheck::BuildError> {
/// let page = EnvironmentDump::discover()?.collect().await;
/// assert_eq!(page["application"]["maintainer"], "the orders team");
/// # Ok(())
/// # }
/// ```
///
/// # The function
///
/// The function is a free function, `async` or not, with dependencies as parameters, by the rules of
/// [`macro@health_check`].
///
/// It returns any `T: serde::Serialize`, or `Result<T, E>` with an error that converts into
/// `Box<dyn std::error::Error + Send + Sync>`. An error is shown as `{"error": "…"}` in the section's place. Write the
/// `Result` in the signature: behind `impl Serialize` it is shown as serde shows it, `{"Ok": …}` or `{"Err": …}`.
///
/// A run may take 5 s on the environment page, and the program's `timeout` in the health report.
///
/// # Options
///
/// | option | default | meaning |
/// |---|---|---|
/// | `name = "app"` | the function's name, without `r#` | The name of the section; unique in the program |
/// | `in_health` | no | The section is also in the health report, cached as a check is |
/// | `crate = path::to::healthcheck` | `::healthcheck` | The path of the library, if it is renamed in Cargo.toml (`crate = hc`) or re-exported by another crate |
///
/// A section's name follows the rules of a check's name. With `in_health` it can't be a field of the report: `hostname`,
/// `status`, `timestamp`, `results`, `warnings` or `reason`. `os`, `rust` and `process` are the names of the page's own
/// sections; they are free if the page leaves those out.
///
/// ```standalone_crate
/// use healthcheck::{HealthCheck, env_section};
/// use serde::Serialize;
///
/// struct Settings {
///     region: String,
/// }
///
/// #[env_section(name = "deployment", in_health)]
/// async fn where_it_runs(settings: &Settings) -> std::io::Result<impl Serialize> {
///     let machine = tokio::fs::read_to_string("/proc/sys/kernel/hostname").await?;
///     Ok(serde_json::json!({ "region": settings.region, "machine": machine.trim() }))
/// }
///
/// # fn main() -> Result<(), healthcheck::BuildError> {
/// let health = HealthCheck::builder()
///     .provide(Settings { region: "eu-west-1".to_owned() })
///     .build()?;
/// # let _ = health;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// All mistakes in one function are compile errors, reported together, as those of [`macro@health_check`].
#[proc_macro_attribute]
pub fn env_section(args: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    expand(env_section::expand, args, item)
}

/// Expands an attribute's arguments and item into the registration, which is used only if there is no problem.
type Expand = fn(TokenStream, TokenStream, &mut Problems) -> Option<TokenStream>;

/// Returns the function unchanged in any case, so that it stays callable and an editor can work in it.
fn expand(
    attribute: Expand,
    args: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    let mut output = TokenStream::from(item);
    let mut problems = Problems::default();
    let registration = attribute(args.into(), output.clone(), &mut problems);
    output.extend(problems.into_compile_errors().or(registration));
    output.into()
}
