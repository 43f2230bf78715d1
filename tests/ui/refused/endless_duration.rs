// A duration that is too long for a `Duration` is rejected without an overflow.
use healthcheck::health_check;

#[health_check(timeout = "18446744073709551615s 1000ms")]
fn redis() {}

fn main() {}
