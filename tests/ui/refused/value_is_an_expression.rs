// Values are literals, since they are checked while compiling.
use healthcheck::health_check;

const NAME: &str = "redis";

#[health_check(name = NAME)]
fn redis() {}

#[health_check(timeout = concat!("2", "s"))]
fn database() {}

fn main() {}
