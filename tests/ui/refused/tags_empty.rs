// Neither the list of tags nor a tag can be empty.
use healthcheck::health_check;

#[health_check(tags())]
fn redis() {}

#[health_check(tags("", "cache"))]
fn memcached() {}

#[health_check(tags)]
fn database() {}

fn main() {}
