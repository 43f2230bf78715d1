//! Health checks.
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
mod engine;
mod environment;
mod error;
mod health;
mod hostname;
mod lifecycle;
mod observation;
mod outcome;
mod output;
mod overrides;
mod panic_hook;
mod provide;
mod redact;
mod registration;
mod registry;
mod report;
mod reports;
mod run;
mod sections;
mod selection;
mod settings;
mod statistics;
mod warnings;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use builder::HealthCheckBuilder;
pub use check::{Check, CheckInfo, CheckOptions};
pub use engine::changes::{Cause, Transition};
pub use environment::{EnvironmentDump, EnvironmentDumpBuilder};
pub use error::{BuildError, OverrideError, SelectionError};
pub use health::HealthCheck;
#[cfg(feature = "macros")]
pub use healthcheck_macros::{env_section, health_check};
pub use outcome::{CheckError, IntoOutcome, Outcome, Status};
pub use panic_hook::{install_panic_hook, panic_hook};
pub use redact::{Redactor, redact};
pub use report::{CheckResult, Overall, Overridden, Pending, Report};
pub use selection::Selection;
pub use settings::Settings;
pub use statistics::{CheckStatistics, Statistics};
