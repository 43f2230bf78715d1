// A list holds at least one text, and no empty one.
use healthcheck::health_check;

#[health_check(tags())]
fn redis() {}

#[health_check(tags("", "cache"))]
fn memcached() {}

#[health_check(tags)]
fn database() {}

fn main() {}
