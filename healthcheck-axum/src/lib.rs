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
//! - [`router`] returns the health endpoints as routes, to merge into your own axum app.
//! - [`serve`] serves the health endpoints at a separate address, for a service that has no HTTP server.
//! - [`Endpoints`] sets the options of the endpoints, for your own app and for `serve`.
//! - [`drain_on_signals`] shuts your own server down gracefully on SIGTERM.
//! - [`probe`] sends a request to a health endpoint, for container images without curl.
//!
//! Add both `healthcheck` and `healthcheck-axum` to your dependencies, because the code that `#[health_check]`
//! generates refers to `::healthcheck`. If your crate depends only on `healthcheck-axum`, write
//! `#[healthcheck_axum::healthcheck::health_check(crate = healthcheck_axum::healthcheck)]`.
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `openapi` | no | `Endpoints::openapi`: an OpenAPI 3.1 document of every configured endpoint |
//! | `systemd` | no | `serve` reports to systemd that the service is ready, is alive, is stopping or needs more time, and which checks fail |
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
