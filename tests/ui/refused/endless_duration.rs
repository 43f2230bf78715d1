// A duration that no clock can hold is refused and doesn't overflow.
use healthcheck::health_check;

#[health_check(timeout = "18446744073709551615s 1000ms")]
fn redis() {}

fn main() {}
