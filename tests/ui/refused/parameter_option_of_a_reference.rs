// The type of a dependency can't contain a reference.
use healthcheck::health_check;

#[health_check]
fn redis(_client: Option<&String>) {}

#[health_check]
fn database(_clients: &Vec<(u8, &'static str)>) {}

fn main() {}
