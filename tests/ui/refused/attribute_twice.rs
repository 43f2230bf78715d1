// A function can't have the attribute `#[health_check]` twice.
use healthcheck::health_check;

#[health_check]
#[health_check]
fn redis() {}

fn main() {}
