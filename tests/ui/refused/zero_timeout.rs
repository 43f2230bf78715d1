// A time limit of zero would let no run pass.
use healthcheck::health_check;

#[health_check(timeout = "0s")]
fn redis() {}

fn main() {}
