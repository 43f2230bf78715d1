// A name stays on one line.
use healthcheck::health_check;

#[health_check(name = "red\nis")]
fn redis() {}

#[health_check(name = "red\0is")]
fn database() {}

fn main() {}
