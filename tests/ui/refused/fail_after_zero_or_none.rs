// The option `fail_after` accepts neither zero nor "none": leave it out for a check that fails at once.
use healthcheck::health_check;

#[health_check(fail_after = "0s")]
fn redis() {}

#[health_check(fail_after = "none")]
fn database() {}

#[health_check(fail_after = 60)]
fn queue() {}

fn main() {}
