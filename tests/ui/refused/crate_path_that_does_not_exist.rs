// If the path in `crate` doesn't exist, the compiler's own error points at that path.
use healthcheck::health_check;

#[health_check(crate = ::healthchekc)]
fn redis() {}

fn main() {}
