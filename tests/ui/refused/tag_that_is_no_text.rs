// The element of a list that isn't a text is the guilty one.
use healthcheck::health_check;

#[health_check(tags("cache", 7))]
fn redis() {}

fn main() {}
