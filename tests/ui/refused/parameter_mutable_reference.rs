// A dependency is shared with other runs.
use healthcheck::health_check;

#[health_check]
fn redis(_client: &mut String) {}

fn main() {}
