// A name isn't empty.
use healthcheck::health_check;

#[health_check(name = "")]
fn redis() {}

fn main() {}
