// Nobody is there to choose a type.
use healthcheck::health_check;

#[health_check]
fn redis<T>() {}

#[health_check]
fn sized<const N: usize>() {}

fn main() {}
