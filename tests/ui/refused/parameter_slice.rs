// A slice has no size.
use healthcheck::health_check;

#[health_check]
fn redis(_hosts: &[String]) {}

fn main() {}
