// The option `depends_on` takes only texts that can be the name of a check.
use healthcheck::health_check;

#[health_check(depends_on("", "a/b"))]
fn redis() {}

fn main() {}
