// An option that doesn't exist is refused. The message says what was meant, or lists those that do exist.
use healthcheck::health_check;

#[health_check(ttl = "5s")]
fn redis() {}

#[health_check(time_out = "5s", every = "10s", optional, kind = "liveness", success_tll = "5s")]
fn database() {}

#[health_check(colour = "red")]
fn queue() {}

fn main() {}
