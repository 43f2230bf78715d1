// One function is one check.
use healthcheck::health_check;

#[health_check]
#[health_check]
fn redis() {}

fn main() {}
