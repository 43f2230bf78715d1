// An option that doesn't exist is refused, and the message lists those that do.
use healthcheck::health_check;

#[health_check(ttl = "5s")]
fn redis() {}

fn main() {}
