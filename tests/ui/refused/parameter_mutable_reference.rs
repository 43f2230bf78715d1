// A parameter can't be `&mut`, because runs share a dependency.
use healthcheck::health_check;

#[health_check]
fn redis(_client: &mut String) {}

fn main() {}
