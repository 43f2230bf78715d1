// The macro rejects a duration that doesn't fit into the type `Duration`, instead of overflowing.
use healthcheck::health_check;

#[health_check(timeout = "18446744073709551615s 1000ms")]
fn redis() {}

fn main() {}
