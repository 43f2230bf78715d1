// A function can't be two checks.
use healthcheck::health_check;

#[health_check]
#[health_check]
fn redis() {}

fn main() {}
