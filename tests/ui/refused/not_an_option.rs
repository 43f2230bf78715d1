// The macro rejects everything between the attribute's parentheses that isn't an option.
use healthcheck::health_check;

#[health_check("redis")]
fn redis() {}

fn main() {}
