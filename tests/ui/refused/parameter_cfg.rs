// Whether a parameter exists isn't known yet.
use healthcheck::health_check;

#[health_check]
fn redis(#[cfg(unix)] _client: &String) {}

fn main() {}
