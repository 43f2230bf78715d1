// The list of tags can't be empty, and a tag can't be an empty string.
use healthcheck::health_check;

#[health_check(tags())]
fn redis() {}

#[health_check(tags("", "cache"))]
fn memcached() {}

#[health_check(tags)]
fn database() {}

fn main() {}
