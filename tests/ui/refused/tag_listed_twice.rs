// The list of tags can't contain the same tag twice.
use healthcheck::health_check;

#[health_check(tags("cache", "cache"))]
fn redis() {}

fn main() {}
