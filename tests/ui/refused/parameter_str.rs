// A dependency can't be `str`: it is unsized, and the type doesn't show which text the check needs.
use healthcheck::health_check;

#[health_check]
fn redis(_url: &str) {}

fn main() {}
