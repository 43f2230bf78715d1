// The function's own name is held to the same rules.
use healthcheck::health_check;

#[health_check]
fn history() {}

fn main() {}
