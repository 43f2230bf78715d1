// The path to the runtime is a path and not a text.
use healthcheck::health_check;

#[health_check(crate = "healthcheck")]
fn redis() {}

fn main() {}
