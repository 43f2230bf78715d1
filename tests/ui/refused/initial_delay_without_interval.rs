// The option `initial_delay` requires `interval`: only a background check has a first run of its own.
use healthcheck::health_check;

#[health_check(initial_delay = "1s")]
fn redis() {}

fn main() {}
