// The option `crate` takes a path and not a string.
use healthcheck::health_check;

#[health_check(crate = "healthcheck")]
fn redis() {}

fn main() {}
