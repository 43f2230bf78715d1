// A check is a Rust function.
use healthcheck::health_check;

#[health_check]
extern "C" fn redis() {}

fn main() {}
