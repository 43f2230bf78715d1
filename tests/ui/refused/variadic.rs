// A check has a fixed list of dependencies.
use healthcheck::health_check;

#[health_check]
fn redis(_: ...) {}

fn main() {}
