// A dependency can't be `str`, which is unsized and doesn't show which text is meant.
use healthcheck::health_check;

#[health_check]
fn redis(_url: &str) {}

fn main() {}
