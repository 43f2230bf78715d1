// A check can't be generic, because no caller chooses its types.
use healthcheck::health_check;

#[health_check]
fn redis<T>() {}

#[health_check]
fn sized<const N: usize>() {}

fn main() {}
