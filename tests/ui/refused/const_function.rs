// A check can't be a `const fn`, because it examines the state at run time.
use healthcheck::health_check;

#[health_check]
const fn redis() {}

fn main() {}
