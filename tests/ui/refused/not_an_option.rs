// The list holds options and nothing else.
use healthcheck::health_check;

#[health_check("redis")]
fn redis() {}

fn main() {}
