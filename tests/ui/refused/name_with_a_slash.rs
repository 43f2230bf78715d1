// The name of a check can't contain `/`, because the name is one segment of a URL path.
use healthcheck::health_check;

#[health_check(name = "cache/redis")]
fn redis() {}

fn main() {}
