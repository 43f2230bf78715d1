// A name ends before the query.
use healthcheck::health_check;

#[health_check(name = "redis?")]
fn redis() {}

fn main() {}
