// A dependency can't be a slice, because the size of a slice isn't known at compile time.
use healthcheck::health_check;

#[health_check]
fn redis(_hosts: &[String]) {}

fn main() {}
