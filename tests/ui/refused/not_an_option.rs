// The list of options can contain only options.
use healthcheck::health_check;

#[health_check("redis")]
fn redis() {}

fn main() {}
