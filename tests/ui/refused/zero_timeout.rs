// A timeout can't be zero: no run could pass.
use healthcheck::health_check;

#[health_check(timeout = "0s")]
fn redis() {}

fn main() {}
