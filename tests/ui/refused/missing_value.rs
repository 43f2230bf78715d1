// An option that has a value is refused without it.
use healthcheck::health_check;

#[health_check(name)]
fn redis() {}

#[health_check(timeout = )]
fn database() {}

#[health_check(critical)]
fn queue() {}

fn main() {}
