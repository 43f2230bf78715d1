// A timeout can't be zero, because then no run could end in time.
use healthcheck::health_check;

#[health_check(timeout = "0s")]
fn redis() {}

fn main() {}
