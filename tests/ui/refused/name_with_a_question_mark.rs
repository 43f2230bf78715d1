// The name of a check can't contain `?`, because this character begins the query of a URL.
use healthcheck::health_check;

#[health_check(name = "redis?")]
fn redis() {}

fn main() {}
