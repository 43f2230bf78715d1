//! A library that contains a check and a section. It re-exports `healthcheck` under the name `runtime`.
//!
//! A framework needs such a re-export if its users don't depend on `healthcheck` themselves.

pub use healthcheck as runtime;
use healthcheck::{env_section, health_check};

/// The plugin works.
#[health_check]
fn plugin() -> &'static str {
    "linked"
}

#[env_section]
fn plugin_section() -> &'static str {
    "linked"
}
