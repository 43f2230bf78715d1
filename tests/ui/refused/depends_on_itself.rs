// A check can't depend on itself.
use healthcheck::health_check;

#[health_check(depends_on("dns", "redis"))]
fn redis() {}

#[health_check(name = "cache", depends_on("cache"))]
fn memcached() {}

fn main() {}
