// The option `initial_delay` can't be zero or "none". A check without a delay doesn't need this option.
use healthcheck::health_check;

#[health_check(interval = "10s", initial_delay = "0s")]
fn redis() {}

#[health_check(interval = "10s", initial_delay = "none")]
fn database() {}

fn main() {}
