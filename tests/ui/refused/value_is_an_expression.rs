// The value of an option has to be a literal, because the macro validates it at compile time.
use healthcheck::health_check;

const NAME: &str = "redis";

#[health_check(name = NAME)]
fn redis() {}

#[health_check(timeout = concat!("2", "s"))]
fn database() {}

fn main() {}
