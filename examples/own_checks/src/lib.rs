//! A crate with a check in it, for the example `another_crate`.

use healthcheck::health_check;

/// Found in the binary that links this crate.
#[health_check]
fn from_another_crate() -> &'static str {
    "linked"
}
