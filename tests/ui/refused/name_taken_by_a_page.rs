// The name of a check can't be that of a page below the health path.
use healthcheck::health_check;

#[health_check(name = "history")]
fn redis() {}

#[health_check(name = "openapi.json")]
fn database() {}

fn main() {}
