// A check can't be variadic.
use healthcheck::health_check;

#[health_check]
fn redis(_: ...) {}

fn main() {}
