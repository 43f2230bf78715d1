// The option `initial_delay` accepts neither zero nor "none": leave it out for no delay.
use healthcheck::health_check;

#[health_check(interval = "10s", initial_delay = "0s")]
fn redis() {}

#[health_check(interval = "10s", initial_delay = "none")]
fn database() {}

fn main() {}
