// The macro rejects a value of the wrong type. Its message shows a valid example.
use healthcheck::health_check;

#[health_check(name = 7, critical = "no", timeout = 5, failure_threshold = "3", tags = "cache")]
fn redis() {}

fn main() {}
