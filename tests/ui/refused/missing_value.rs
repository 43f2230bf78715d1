// The macro rejects an option that needs a value but has none.
use healthcheck::health_check;

#[health_check(name)]
fn redis() {}

#[health_check(timeout = )]
fn database() {}

#[health_check(critical)]
fn queue() {}

fn main() {}
