// A dependency can't be a `str`. It is unsized, and this type doesn't say which text the check needs.
use healthcheck::health_check;

#[health_check]
fn redis(_url: &str) {}

fn main() {}
