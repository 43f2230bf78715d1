// A check can't have a variable number of parameters.
use healthcheck::health_check;

#[health_check]
fn redis(_: ...) {}

fn main() {}
