// The macro rejects an unknown option. Its message suggests a similar option, or lists all options.
use healthcheck::health_check;

#[health_check(ttl = "5s")]
fn redis() {}

#[health_check(time_out = "5s", every = "10s", optional, kind = "liveness", success_tll = "5s")]
fn database() {}

#[health_check(colour = "red")]
fn queue() {}

fn main() {}
