// Options are separated by commas.
use healthcheck::health_check;

#[health_check(liveness readiness)]
fn redis() {}

#[health_check(name: "cache")]
fn memcached() {}

#[health_check(timeout = "2s", tags("cache") startup)]
fn database() {}

fn main() {}
