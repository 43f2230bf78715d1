// A background check can't have a TTL, because the library keeps its result until its next run.
use healthcheck::health_check;

#[health_check(interval = "10s", success_ttl = "5s", failed_ttl = "none")]
fn redis() {}

fn main() {}
