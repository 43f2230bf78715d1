// The option `fail_after` can't be zero or "none". A check that fails without a delay doesn't need this option.
use healthcheck::health_check;

#[health_check(fail_after = "0s")]
fn redis() {}

#[health_check(fail_after = "none")]
fn database() {}

#[health_check(fail_after = 60)]
fn queue() {}

fn main() {}
