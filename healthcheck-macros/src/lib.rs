//! The attributes of the crate `healthcheck`, which re-exports them. Depend on that one.
//!
//! The way of an attribute: `args` reads its list, `check_options` and `section_options` say what the list means,
//! `function` reads the item; `signature`, `dependency` and `rules` refuse; `health_check` and `env_section` write the
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

/// Makes a function a health check: it is found when the program is linked, in whichever crate it stands, and run
/// whenever somebody asks for its health.
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
/// A free function, `async` or not, which stays as it was written: it can be called and tested, and keeps its
/// visibility and its other attributes. One that isn't `async` runs on a thread apart, so it may block. It can't be
/// `const`, `unsafe`, `extern`, generic or variadic, or stand in an `impl` block or a trait: take what would be `self` as
/// a parameter. Where a signature doesn't show that it stands there, the compiler says "`const` items in this context need
/// a name".
///
/// It returns what `healthcheck::IntoOutcome` lists: nothing, a `bool`, a text, a JSON value, `(bool, T)`, an
/// `Outcome`, or a `Result` of one of these, whose error is shown with all its sources.
///
/// The first paragraph of its doc comment, on one line and without its full stop, is the check's description. The text
/// below a heading `# When it fails`, of any level, says what to do: it is shown beside the output while the check doesn't
/// pass, line by line, and ends at the next heading of this level or above. What `#[doc = include_str!("…")]` includes is
/// not visible to an attribute.
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
/// A parameter is a dependency: a value of exactly this type, which the program provides once. It is taken as `&T`, or
/// as `T`, which is then cloned for each run. Where nobody provided it, building the `HealthCheck` fails with every
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
/// `T` is a concrete type, sized, `Send + Sync + 'static`, and holds no reference. Refused are `&mut T` (take
/// `&Mutex<T>`), `&str` (take `&String`, or better a type of your own), `&[T]` (take `&Vec<T>`), `&dyn Trait` (take
/// `&Arc<dyn Trait>`), `Option<&T>`, `impl Trait` and named lifetimes. Any pattern may stand before the type, and
/// `#[cfg]` may not.
///
/// # Options
///
/// All of them are optional, in any order, each at most once. Values are literals: they are checked while compiling.
///
/// | option | default | meaning |
/// |---|---|---|
/// | `name = "redis"` | the function's name, without `r#` | What it is called in reports, URLs and settings; unique in the program |
/// | `liveness` | no | Belongs to the liveness probe: its failure means that a restart helps |
/// | `readiness` | yes, where no probe is named | Belongs to the readiness probe: its failure means that no traffic should come |
/// | `startup` | no | Belongs to the startup probe: readiness fails, "starting", until it has passed, and it isn't run after that unless it belongs to another probe too |
/// | `tags("cache", "external")` | none | Words to select checks by |
/// | `critical = false` | `true` | Whether its failure fails the whole; otherwise it degrades it |
/// | `external` | no | It looks at something outside of the process that other instances share. Its failure degrades readiness instead of failing it, unless `critical = true` is written. Refused together with `liveness`, since a restart doesn't repair that |
/// | `timeout = "2s"` | the program's, 5 s | How long a run may take until it has failed; `"none"`: no limit |
/// | `success_ttl = "27s"` | the program's, 27 s | For how long a pass is cached; `"none"`: not at all |
/// | `failed_ttl = "9s"` | the program's, 9 s | For how long a failure is cached; `"none"`: not at all |
/// | `interval = "10s"` | none | Runs in the background that often, ± 10 %, and requests read the last result, which is stale after two intervals and the time limit; refused beside a TTL |
/// | `initial_delay = "1s"` | none | How long after the start the first background run begins; until then it fails, "not run yet"; needs `interval` |
/// | `failure_threshold = 3` | `1` | How many runs in a row have to fail before it is shown as failing; holds after the first pass |
/// | `success_threshold = 2` | `1` | How many runs in a row have to pass before it is shown as passing again |
/// | `warn_threshold = 2` | `1` | How many runs in a row have to warn before it is shown as a warning; holds after the first pass |
/// | `fail_after = "60s"` | none | A failure is shown as a warning until it has lasted that long; holds after the first pass and besides `failure_threshold`; a pass ends it |
/// | `depends_on("dns")` | none | The checks that have to pass; while one fails, this one isn't run and fails, "blocked by dns" |
/// | `owner = "orders"` | none | Who looks after what it looks at; shown while it doesn't pass |
/// | `runbook = "https://…"` | none | The address of the page that says what to do; shown while it doesn't pass |
/// | `crate = path::to::healthcheck` | `::healthcheck` | Where the library is found: renamed in Cargo.toml (`crate = hc`), or handed on by another crate |
///
/// Durations are texts of numbers with units, `"250ms"`, `"2s"`, `"1m 30s"`, `"1h"`. A time limit, an interval, a delay
/// and `fail_after` are longer than zero; thresholds are whole numbers from 1 to 4294967295.
///
/// A name isn't empty, `.`, `..`, `history` or `openapi.json`, begins and ends with no space, and has no `/`, no `?` and
/// no control character: it is one segment of a URL's path. What else needs percent-encoding there, like a space, `#` or
/// `%`, is allowed, and a request has to encode it. Tags, owner and runbook are texts on one line, without control
/// characters and not empty.
///
/// # Errors
///
/// All mistakes of one function are compile errors, reported together, each under what is wrong. Two checks with one
/// name, a dependency that nobody provided and a `depends_on` without such a check are errors of
/// `HealthCheckBuilder::build`.
///
/// A crate that no path of the program names isn't linked, and its checks don't exist: write `use my_checks as _;`.
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

/// Makes a function a section of the environment page: it is found when the program is linked, in whichever crate it
/// stands, and what it returns is shown, redacted, under its name.
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
/// A free function, `async` or not, with dependencies as parameters, by the rules of [`macro@health_check`].
///
/// It returns any `T: serde::Serialize`, or `Result<T, E>` with an error that converts into
/// `Box<dyn std::error::Error + Send + Sync>`; an error is shown as `{"error": "…"}` in the section's place. A `Result`
/// hidden behind `impl Serialize` is shown as serde shows it, `{"Ok": …}` or `{"Err": …}`: write the `Result` out.
///
/// A run may take 5 s on the environment page, and the program's time limit in the health report.
///
/// # Options
///
/// | option | default | meaning |
/// |---|---|---|
/// | `name = "app"` | the function's name, without `r#` | What the section is called; unique in the program |
/// | `in_health` | no | The section also stands in the health report, cached there as a check is |
/// | `crate = path::to::healthcheck` | `::healthcheck` | Where the library is found: renamed in Cargo.toml (`crate = hc`), or handed on by another crate |
///
/// A section's name obeys the rules of a check's. One that is `in_health` can't be
/// `hostname`, `status`, `timestamp`, `results`, `warnings` or `reason`, which are the report's own. `os`, `rust` and
/// `process` are taken unless the page leaves its own sections of these names out.
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
/// As those of [`macro@health_check`]: all mistakes of one function are compile errors, reported together.
#[proc_macro_attribute]
pub fn env_section(args: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    expand(env_section::expand, args, item)
}

/// What an attribute makes of its list and its item: the registration, which counts only where there is no problem.
type Expand = fn(TokenStream, TokenStream, &mut Problems) -> Option<TokenStream>;

/// The function goes out as it came in, whatever happens: it stays callable, and an editor can work in it.
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
