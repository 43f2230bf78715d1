// A check can't be generic, because the library can't choose its types.
use healthcheck::health_check;

#[health_check]
fn redis<T>() {}

#[health_check]
fn sized<const N: usize>() {}

fn main() {}
