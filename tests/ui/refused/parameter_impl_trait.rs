// A check's parameter can't be `impl Trait`, because the library finds a dependency by its concrete type.
use healthcheck::health_check;

#[health_check]
fn redis(_client: impl Clone) {}

#[health_check]
fn database(_client: &impl Clone) {}

fn main() {}
