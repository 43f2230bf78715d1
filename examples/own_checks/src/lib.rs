//! A crate that contains a check. The example `another_crate` depends on this crate and uses its check.

use healthcheck::health_check;

/// Found in the binary that links this crate.
#[health_check]
fn from_another_crate() -> &'static str {
    "linked"
}
