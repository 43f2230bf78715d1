// A parameter can't be `&mut`, because several runs may use the same dependency.
use healthcheck::health_check;

#[health_check]
fn redis(_client: &mut String) {}

fn main() {}
