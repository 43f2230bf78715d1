// An option that takes a value is rejected without one.
use healthcheck::health_check;

#[health_check(name)]
fn redis() {}

#[health_check(timeout = )]
fn database() {}

#[health_check(critical)]
fn queue() {}

fn main() {}
