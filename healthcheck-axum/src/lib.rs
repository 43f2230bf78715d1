//! Serves the checks and environment sections of [`healthcheck`] over HTTP, with axum.
//!
//! ```no_run
//! use healthcheck::health_check;
//!
//! #[health_check]
//! fn addition_works() -> (bool, &'static str) {
//!     (1 + 1 == 2, "addition works")
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), healthcheck_axum::ServeError> {
//!     healthcheck_axum::serve("127.0.0.1:8080").await
//! }
//! ```
//!
//! Both crates are dependencies of the program, since what the attributes make names `healthcheck`. A crate that has
//! only this one writes `#[healthcheck_axum::healthcheck::health_check(crate = healthcheck_axum::healthcheck)]`.
//!
//! [`serve`] serves them at an address of their own; [`router`] gives the same endpoints to merge into an app; and
//! [`Endpoints`] is the configured form of both.
//!
//! # Features
//!
//! | feature | default | what it brings |
//! |---|---|---|
//! | `openapi` | no | `Endpoints::openapi`: an OpenAPI 3.1 document of every endpoint, as it is configured |
//! | `systemd` | no | `serve` tells systemd when the service is ready, what fails, that it is alive, that it stops, and that it needs more time |
#![cfg_attr(docsrs, feature(doc_cfg))]

mod access;
mod build;
mod disabled;
mod endpoints;
mod http;
mod kind;
mod log;
#[cfg(test)]
mod manifest_tests;
#[cfg(feature = "openapi")]
mod openapi;
mod paths;
mod probers;
mod render;
mod self_probe;
mod serve;
mod service;
mod serving;
mod task;
#[cfg(test)]
mod test_log;

#[cfg(fuzzing)]
#[doc(hidden)]
#[path = "fuzzing.rs"]
pub mod __fuzzing;

pub use access::Access;
pub use access::details::Details;
pub use endpoints::{Endpoints, router};
#[doc(no_inline)]
pub use healthcheck;
pub use probers::is_probe;
pub use render::{Format, Page};
pub use self_probe::{Probed, probe, probe_within};
pub use serve::error::ServeError;
pub use serve::listener::Listener;
pub use serve::serve;
pub use serve::signals::drain_on_signals;
