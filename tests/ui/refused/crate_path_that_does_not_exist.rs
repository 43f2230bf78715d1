// For a wrong `crate` path, the compiler's own error points at that path.
use healthcheck::health_check;

#[health_check(crate = ::healthchekc)]
fn redis() {}

fn main() {}
