// A check can't be a `const fn`, because it has to examine the state of the program at run time.
use healthcheck::health_check;

#[health_check]
const fn redis() {}

fn main() {}
