//! The attribute macros of the crate `healthcheck`, which re-exports them. Add only `healthcheck` to your dependencies.
//!
//! How the modules expand an attribute:
//! 1. `args` parses the list of options. `check_options` and `section_options` interpret the options.
//! 2. `function` parses the annotated function.
//! 3. `signature`, `dependency` and `rules` reject mistakes.
//! 4. `health_check` and `env_section` generate the value that describes the check or the section.
//! 5. `registration` generates the code that registers this value. The code follows the annotated function.
// rustdoc would wrap an example without `main` in a function. With an explicit `main`, the annotated functions of the
// examples below are at the top level, as in a real program.
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

/// Registers a function as a health check at link time. The function may be in any crate of the program. `HealthCheck`
/// finds the registered checks and runs them.
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
/// #[health_check(external, timeout = "2s", tags("database"))]
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
/// The annotated function must be a free function, `async` or not. It can't be `const`, `unsafe`, `extern`, generic or
/// variadic. A function that isn't `async` runs on a separate thread, so it may block.
///
/// The attribute doesn't change the function: you can still call and test the function. The function keeps its
/// visibility and its other attributes.
///
/// The function can't be in an `impl` block or a trait. Instead of a method, write a free function that takes the value
/// of `self` as a parameter.
///
/// The attribute recognizes a function in such a block only by its signature, for example by `self`. If the signature
/// doesn't show the block, the compiler's error is "`const` items in this context need a name".
///
/// The function's return type must implement `healthcheck::IntoOutcome`: `()`, `bool`, `String`, `&str`, a JSON value,
/// `(bool, T)`, `Outcome`, or a `Result` of one of these.
///
/// If the function returns an error, the check's output contains the error and all its sources.
///
/// The first paragraph of the doc comment is the check's description, on one line and without its full stop. The
/// attribute ignores `#[doc = include_str!("…")]`, because it can't read the included file.
///
/// Write the instructions for a failure below a heading `# When it fails`. The heading may be of any level. The
/// instructions end at the next heading of the same or a higher level.
///
/// While the check doesn't pass, reports show the instructions next to the check's output.
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
/// A parameter of type `T` or `&T` is a dependency: the program provides one value of exactly the type `T` for all
/// checks. A parameter `&T` borrows the value. A parameter `T` gets a clone of the value for each run.
///
/// If the program doesn't provide a value, building the `HealthCheck` fails. The error lists the missing types of all
/// checks.
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
/// The type `T` of a parameter `T` or `&T` must be concrete, sized and `Send + Sync + 'static`, and can't contain
/// references. A parameter may have any pattern, but it can't have `#[cfg]`.
///
/// These parameters are compile errors:
/// - `&mut T`: take `&Mutex<T>`.
/// - `&str`: take `&String`, or better your own type.
/// - `&[T]`: take `&Vec<T>`.
/// - `&dyn Trait`: take `&Arc<dyn Trait>`.
/// - `Option<&T>`, `impl Trait`, and types with a named lifetime.
///
/// # Options
///
/// No option is required. The order of the options doesn't matter, and each option may occur once. The value of `crate`
/// is a path. All other values must be literals, so that the attribute can check them at compile time.
///
/// | option | default | meaning |
/// |---|---|---|
/// | `name = "redis"` | the function's name, without `r#` | The name in reports, URLs and settings. It must be unique in the program. |
/// | `liveness` | no | The check belongs to the liveness probe. A failure means that a restart helps. |
/// | `readiness` | yes, if no probe is set | The check belongs to the readiness probe. A failure means that the instance should get no traffic. |
/// | `startup` | no | The check belongs to the startup probe. If the check is critical, readiness fails with "starting" until the check has passed. After the first pass, the check isn't run again, unless it belongs to another probe too. |
/// | `tags("cache", "external")` | none | Tags to select checks by. |
/// | `critical = false` | `true` | Whether a failure makes the overall status fail (`true`) or only degrades it (`false`). |
/// | `external` | no | The check tests something outside of the process that other instances share, such as a database. A failure degrades readiness. If you also write `critical = true`, a failure fails readiness. This option can't be combined with `liveness`, because a restart doesn't repair a database. |
/// | `timeout = "2s"` | the program's, 5 s | How long a run may take before it fails; `"none"` means no timeout. |
/// | `success_ttl = "27s"` | the program's, 27 s | How long a pass or a warning is cached; `"none"` means that it isn't cached. |
/// | `failed_ttl = "9s"` | the program's, 9 s | How long a failure is cached; `"none"` means that it isn't cached. |
/// | `interval = "10s"` | none | Runs the check in the background at this interval, ± 10 %; requests read the last result. If the last result is older than two intervals plus the timeout, the check fails with "stale". This option can't be combined with a TTL. |
/// | `initial_delay = "1s"` | none | The time between the start of the background loop and the first run, ± 10 %. Until the first run has ended, the check fails with "not run yet". This option needs `interval`. |
/// | `failure_threshold = 3` | `1` | How many runs in a row must fail before the check is shown as failing. This threshold applies only after the first pass. |
/// | `success_threshold = 2` | `1` | How many runs in a row must pass before a failing check is shown as passing again. This threshold applies only after the first pass. |
/// | `warn_threshold = 2` | `1` | How many runs in a row must warn before a passing check is shown as a warning. This threshold applies only after the first pass. |
/// | `fail_after = "60s"` | none | For this time, a failure is shown as a warning. If the check still fails when the time is over, it is shown as a failure. A pass resets the time. The option applies only after the first pass, and in addition to `failure_threshold`. |
/// | `depends_on("dns")` | none | The checks that must pass before this one runs. While `dns` fails, this check isn't run and fails with "blocked by dns". |
/// | `owner = "orders"` | none | The owner to contact; shown while the check doesn't pass. |
/// | `runbook = "https://…"` | none | The address of a page with instructions; shown while the check doesn't pass. |
/// | `crate = path::to::healthcheck` | `::healthcheck` | The path of the library, if Cargo.toml renames it (`crate = hc`) or another crate re-exports it. |
///
/// Durations are numbers with units: `"250ms"`, `"2s"`, `"1m 30s"`, `"1h"`. A timeout, an interval, a delay and
/// `fail_after` must be longer than zero. Thresholds are whole numbers from 1 to 4294967295.
///
/// The name of a check is a segment of a URL path. The name must not be empty, `.`, `..`, `history` or `openapi.json`.
/// It must not begin or end with a space, and must not contain `/`, `?` or a control character.
///
/// A name may contain other characters that need percent-encoding, such as a space, `#` or `%`. Requests must encode
/// these characters.
///
/// Tags, owners and runbooks must not be empty, and must not contain control characters.
///
/// # Errors
///
/// Each mistake in an annotated function is a compile error that points to the mistake. The compiler reports all
/// mistakes together.
///
/// `HealthCheckBuilder::build` returns an error if two checks have the same name, if the program doesn't provide a
/// dependency, or if `depends_on` names an unknown check.
///
/// Rust doesn't link a crate that nothing refers to. If your checks are in such a crate, they don't exist in the
/// program. To link a crate `my_checks`, write `use my_checks as _;`.
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

/// Registers a function as a section of the environment page at link time. The function may be in any crate of the
/// program. The page shows the function's return value under the section's name, and masks the secrets in the value.
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
/// The annotated function must be a free function, `async` or not. Its parameters are dependencies: values that the
/// program provides. The function and its parameters follow the same rules as for [`macro@health_check`].
///
/// The function returns any `T: serde::Serialize`, or a `Result<T, E>` whose error converts into `Box<dyn
/// std::error::Error + Send + Sync>`. The page shows an error as `{"error": "…"}`.
///
/// The page shows an error in this way only if the return type in the signature is a `Result`. If the return type is
/// `impl Serialize` and the value is a `Result`, the page shows `{"Ok": …}` or `{"Err": …}`.
///
/// A run of the section has a timeout: 5 s on the page of an `EnvironmentDump`, and the program's timeout on the page
/// of `HealthCheck::environment` and in the health report.
///
/// # Options
///
/// | option | default | meaning |
/// |---|---|---|
/// | `name = "app"` | the function's name, without `r#` | The name of the section. It must be unique in the program. |
/// | `in_health` | no | The health report contains the section too. The report caches the section's value like the result of a check. |
/// | `crate = path::to::healthcheck` | `::healthcheck` | The path of the library, if Cargo.toml renames it (`crate = hc`) or another crate re-exports it. |
///
/// The rules for the name of a check apply to the name of a section too. With `in_health`, the name can't be one of the
/// report's own keys: `hostname`, `status`, `timestamp`, `results`, `warnings` or `reason`.
///
/// The page has built-in sections with the names `os`, `rust` and `process`. Your section can have one of these names
/// only if the page excludes the built-in section of that name.
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
/// Each mistake in an annotated function is a compile error that points to the mistake, as with [`macro@health_check`].
/// The compiler reports all mistakes together.
#[proc_macro_attribute]
pub fn env_section(args: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    expand(env_section::expand, args, item)
}

/// A function that expands one attribute. It takes the list of options and the annotated item, and returns the code
/// that registers the function.
///
/// The function also records each mistake in the options and in the item. If there is any mistake, the caller doesn't
/// use the returned code.
type Expand = fn(TokenStream, TokenStream, &mut Problems) -> Option<TokenStream>;

/// Expands an attribute with the function `attribute`.
///
/// The output always begins with the unchanged annotated function, even if there are mistakes. So other code can call
/// the annotated function, and editors can analyse it.
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
