// A dependency can't be a slice, which has no known size.
use healthcheck::health_check;

#[health_check]
fn redis(_hosts: &[String]) {}

fn main() {}
