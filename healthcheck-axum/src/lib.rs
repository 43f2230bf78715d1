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
//! - [`router`] returns the endpoints as routes, to merge into your own axum app.
//! - [`serve`] serves them at an address of their own, for a service that has no HTTP server.
//! - [`Endpoints`] configures both.
//! - [`drain_on_signals`] drains your own server on SIGTERM.
//! - [`probe`] sends a request to them, for container images without curl.
//!
//! Depend on both crates: the code that the attributes generate refers to `::healthcheck`. If a crate depends only on
//! this one, write `#[healthcheck_axum::healthcheck::health_check(crate = healthcheck_axum::healthcheck)]`.
//!
//! # Features
//!
//! | feature | default | what it brings |
//! |---|---|---|
//! | `openapi` | no | `Endpoints::openapi`: an OpenAPI 3.1 document of every configured endpoint |
//! | `systemd` | no | `serve` notifies systemd when the service is ready, which checks fail, that it is alive, that it stops, and that it needs more time |
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
