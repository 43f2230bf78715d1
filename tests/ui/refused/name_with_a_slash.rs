// A name is one segment of a path.
use healthcheck::health_check;

#[health_check(name = "cache/redis")]
fn redis() {}

fn main() {}
