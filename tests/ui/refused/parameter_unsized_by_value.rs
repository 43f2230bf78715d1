// A dependency that a check takes by value has to be `Sized`. Besides the macro's error, the compiler reports its own.
use healthcheck::health_check;

#[health_check]
fn redis(_url: str) {}

fn main() {}
