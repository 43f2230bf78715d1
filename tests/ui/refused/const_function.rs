// A check sees the world as it is at run time.
use healthcheck::health_check;

#[health_check]
const fn redis() {}

fn main() {}
