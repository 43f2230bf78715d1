//! x
#![cfg_attr(docsrs, feature(doc_cfg))]

// Generated code says `::healthcheck`; so that it compiles in this crate's own tests, too.
#[allow(unused_extern_crates)]
extern crate self as healthcheck;

pub mod checks;
#[allow(dead_code)] // wired by the environment dump
mod environment;
mod outcome;
mod output;
mod provide;
mod registration;
mod run;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

#[cfg(feature = "macros")]
pub use healthcheck_macros::{env_section, health_check};
pub use outcome::{CheckError, IntoOutcome, Outcome, Status};
