//! Health checks and an environment page for a service.
//!
//! Two attributes, [`health_check`] and [`env_section`], register functions at link time. [`HealthCheck`] finds the
//! registered checks, runs them and caches their results. [`EnvironmentDump`] collects the registered sections.
//!
//! ```
//! use healthcheck::{HealthCheck, health_check};
//!
//! #[health_check]
//! fn addition_works() -> (bool, &'static str) {
//!     (1 + 1 == 2, "addition works")
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), healthcheck::BuildError> {
//! let report = HealthCheck::discover()?.report().await;
//! assert_eq!(report.results[0].output, "addition works");
//! # Ok(())
//! # }
//! ```
//!
//! The crate `healthcheck-axum` serves the reports and the environment page over HTTP: with
//! `healthcheck_axum::serve("127.0.0.1:8080")`, or as routes of your axum app.
//!
//! - [`Check`] is a check that you build in code. The module [`checks`] has ready-made checks. With [`Settings`], a
//!   deployment overrides the options of checks.
//! - [`HealthCheckBuilder`] passes values to the parameters of checks, and sets defaults for all checks.
//! - [`HealthCheck::until`] waits until checks pass. A [`Gate`] holds workers back while a check fails.
//! - [`Report`] has the results of a [`Selection`] of checks.
//! - Every value passes through [`redact`] before it leaves the process. Implement [`Redactor`] to add your own rules.
//!   [`install_panic_hook`] also redacts the messages that panics print.
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `macros` | yes | the attributes `#[health_check]` and `#[env_section]` |
//! | `sysinfo` | yes | memory, load, uptime and distribution on the environment page, on systems other than Linux |
//! | `auditable` | no | the linked packages on the environment page, for a binary built with `cargo auditable` |
//! | `openapi` | no | schemas of the report for the OpenAPI document of healthcheck-axum |
//! | `checks-…` | no | ready-made checks that need further crates; [`checks`] lists the feature of each check |
//!
//! Some names, formats and defaults of this crate come from the Python library py-healthcheck.
#![cfg_attr(docsrs, feature(doc_cfg))]

// The code that the attributes generate refers to this crate as `::healthcheck`. This line makes that path valid in the
// crate's own tests.
#[allow(unused_extern_crates)]
extern crate self as healthcheck;

mod builder;
mod check;
pub mod checks;
mod clock;
mod disable;
mod drain;
mod environment;
mod error;
mod gate;
mod health;
mod hostname;
mod model;
mod observation;
mod outcome;
mod output;
mod overrides;
mod panic_hook;
mod provide;
mod redact;
mod register;
mod registration;
mod report;
mod reports;
mod run;
mod runner;
mod sections;
mod selection;
mod settings;
mod statistics;
mod transition;
mod until;
pub mod upstream_loops;
mod world;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use builder::HealthCheckBuilder;
pub use check::Check;
pub use environment::{EnvironmentDump, EnvironmentDumpBuilder};
pub use error::{BuildError, OverrideError, SelectionError};
pub use gate::Gate;
pub use health::HealthCheck;
#[cfg(feature = "macros")]
pub use healthcheck_macros::{env_section, health_check};
pub use model::{CheckInfo, CheckOptions};
pub use outcome::{CheckError, IntoOutcome, Outcome, Status};
pub use panic_hook::{install_panic_hook, panic_hook};
pub use redact::{Redactor, redact};
pub use report::{CheckResult, Overall, Overridden, Pending, Report};
pub use selection::Selection;
pub use settings::Settings;
pub use statistics::{CheckStatistics, Statistics};
pub use transition::{Cause, Transition};
pub use until::NotReady;
