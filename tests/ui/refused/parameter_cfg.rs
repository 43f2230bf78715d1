// A check's parameter can't have the attribute `#[cfg]`, because the macro can't evaluate it.
use healthcheck::health_check;

#[health_check]
fn redis(#[cfg(unix)] _client: &String) {}

fn main() {}
