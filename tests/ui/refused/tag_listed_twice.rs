// A tag can be listed only once.
use healthcheck::health_check;

#[health_check(tags("cache", "cache"))]
fn redis() {}

fn main() {}
