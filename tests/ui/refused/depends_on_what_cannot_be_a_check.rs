// The option `depends_on` accepts only strings that can be the name of a check.
use healthcheck::health_check;

#[health_check(depends_on("", "a/b"))]
fn redis() {}

fn main() {}
