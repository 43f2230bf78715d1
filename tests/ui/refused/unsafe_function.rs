// Nobody is there to keep the promise.
use healthcheck::health_check;

#[health_check]
unsafe fn redis() {}

fn main() {}
