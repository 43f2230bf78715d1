// A dependency that a check takes by value has to be `Sized`. The macro and the compiler both report an error.
use healthcheck::health_check;

#[health_check]
fn redis(_url: str) {}

fn main() {}
