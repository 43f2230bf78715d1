// A name isn't empty.
use healthcheck::health_check;

#[health_check(name = "")]
fn redis() {}

#[health_check(name = " padded")]
fn padded() {}

fn main() {}
