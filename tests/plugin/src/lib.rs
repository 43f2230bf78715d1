//! A library with a check and a section. It also re-exports `healthcheck` under another name, as a framework does whose
//! users don't depend on `healthcheck` themselves.

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
