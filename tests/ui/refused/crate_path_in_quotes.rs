// The value of the option `crate` has to be a path, and can't be a string.
use healthcheck::health_check;

#[health_check(crate = "healthcheck")]
fn redis() {}

fn main() {}
