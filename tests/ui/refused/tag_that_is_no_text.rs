// If a tag isn't a string, the error points at that element of the list.
use healthcheck::health_check;

#[health_check(tags("cache", 7))]
fn redis() {}

fn main() {}
