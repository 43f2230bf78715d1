// A `str` has no size and is nobody's own type.
use healthcheck::health_check;

#[health_check]
fn redis(_url: &str) {}

fn main() {}
