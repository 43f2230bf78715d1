// A check's default name, that of its function, has to follow the same rules.
use healthcheck::health_check;

#[health_check]
fn history() {}

fn main() {}
