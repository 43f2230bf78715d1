// The name of a check can't contain a control character, such as a line feed.
use healthcheck::health_check;

#[health_check(name = "red\nis")]
fn redis() {}

#[health_check(name = "red\0is")]
fn database() {}

fn main() {}
