// A dependency that is taken by value has to be `Sized` too. The compiler adds an error of its own.
use healthcheck::health_check;

#[health_check]
fn redis(_url: str) {}

fn main() {}
