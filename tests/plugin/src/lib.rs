//! A library with a check and a section of its own, which also hands the runtime on under another name, as a framework
//! does whose users have no dependency on it themselves.

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
