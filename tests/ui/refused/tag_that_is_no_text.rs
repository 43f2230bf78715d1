// Each element in the list of tags has to be a string. The error points at an element that isn't a string.
use healthcheck::health_check;

#[health_check(tags("cache", 7))]
fn redis() {}

fn main() {}
