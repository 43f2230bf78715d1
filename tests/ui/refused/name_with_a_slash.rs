// A name can't contain `/`, because it is one segment of a URL path.
use healthcheck::health_check;

#[health_check(name = "cache/redis")]
fn redis() {}

fn main() {}
