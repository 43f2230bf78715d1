// If the path in the option `crate` doesn't exist, the compiler's error points at this path.
use healthcheck::health_check;

#[health_check(crate = ::healthchekc)]
fn redis() {}

fn main() {}
