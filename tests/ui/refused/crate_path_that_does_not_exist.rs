// A wrong path to the runtime is the compiler's own error, under the path.
use healthcheck::health_check;

#[health_check(crate = ::healthchekc)]
fn redis() {}

fn main() {}
