// A name can't contain `?`, which begins the query of a URL.
use healthcheck::health_check;

#[health_check(name = "redis?")]
fn redis() {}

fn main() {}
