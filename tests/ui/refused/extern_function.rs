// A check can't be an `extern` function.
use healthcheck::health_check;

#[health_check]
extern "C" fn redis() {}

fn main() {}
