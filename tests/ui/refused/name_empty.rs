// The name of a check can't be empty.
use healthcheck::health_check;

#[health_check(name = "")]
fn redis() {}

#[health_check(name = " padded")]
fn padded() {}

fn main() {}
