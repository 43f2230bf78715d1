// The option `initial_delay` requires the option `interval`, because it delays the first run of a background check.
use healthcheck::health_check;

#[health_check(initial_delay = "1s")]
fn redis() {}

fn main() {}
