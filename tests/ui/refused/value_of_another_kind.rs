// A value of the wrong kind is refused with an example of the right one.
use healthcheck::health_check;

#[health_check(name = 7, critical = "no", timeout = 5, failure_threshold = "3", tags = "cache")]
fn redis() {}

fn main() {}
