// A name can't contain control characters, such as a line feed.
use healthcheck::health_check;

#[health_check(name = "red\nis")]
fn redis() {}

#[health_check(name = "red\0is")]
fn database() {}

fn main() {}
