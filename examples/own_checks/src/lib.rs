//! A crate that contains a check. The example `another_crate` links it.

use healthcheck::health_check;

/// Found in the binary that links this crate.
#[health_check]
fn from_another_crate() -> &'static str {
    "linked"
}
