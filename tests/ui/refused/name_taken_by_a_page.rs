// The health path has pages of its own.
use healthcheck::health_check;

#[health_check(name = "history")]
fn redis() {}

#[health_check(name = "openapi.json")]
fn database() {}

fn main() {}
