// The options of an attribute need commas between them.
use healthcheck::health_check;

#[health_check(liveness readiness)]
fn redis() {}

#[health_check(name: "cache")]
fn memcached() {}

#[health_check(timeout = "2s", tags("cache") startup)]
fn database() {}

#[health_check(timeout = "2s" tags("cache"))]
fn assigned() {}

#[health_check(critical = false; failure_threshold = 3)]
fn semicolon() {}

fn main() {}
