// The type of a dependency can't contain a reference, such as in `Option<&T>`.
use healthcheck::health_check;

#[health_check]
fn redis(_client: Option<&String>) {}

#[health_check]
fn database(_clients: &Vec<(u8, &'static str)>) {}

fn main() {}
