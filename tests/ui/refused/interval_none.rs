// No interval is no option at all.
use healthcheck::health_check;

#[health_check(interval = "none")]
fn redis() {}

fn main() {}
