// A restart doesn't repair what lies outside of the process.
use healthcheck::health_check;

#[health_check(liveness, external)]
fn redis() {}

fn main() {}
