//! Health checks and an environment page for a service, from two attributes: [`health_check`] and [`env_section`]
//! register functions while the program is linked, and [`HealthCheck`] finds, runs and caches every one of them.
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
//! The crate `healthcheck-axum` serves them: `healthcheck_axum::serve("127.0.0.1:8080")`, or as routes of an app.
//!
//! - [`Check`] is a check written by hand, [`checks`] has ready-made ones, [`Settings`] sets every option at deployment.
//! - [`HealthCheckBuilder`] provides what checks take as parameters, and sets what holds for all.
//! - [`HealthCheck::until`] waits until checks pass; a [`Gate`] holds workers back while one fails.
//! - [`Report`] has the results of a [`Selection`] of the checks; [`EnvironmentDump`] is the environment page.
//! - [`redact`] is what no value leaves without passing, [`Redactor`] adds rules to it, [`install_panic_hook`] puts it
//!   before what panics print.
//!
//! # Features
//!
//! | feature | default | what it brings |
//! |---|---|---|
//! | `macros` | yes | the two attributes |
//! | `sysinfo` | yes | memory, load, uptime and distribution on the environment page elsewhere than on Linux |
//! | `auditable` | no | the packages of a binary built with `cargo auditable`, on the environment page |
//! | `openapi` | no | schemas of the report, for the OpenAPI document of healthcheck-axum |
//! | `checks-…` | no | the ready-made checks; [`checks`] tells which needs which |
//!
//! Some names, shapes and defaults come from Python's py-healthcheck.
#![cfg_attr(docsrs, feature(doc_cfg))]

// Generated code says `::healthcheck`; so that it compiles in this crate's own tests, too.
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
