// A check can't return `impl Trait` unless the trait implies `IntoOutcome`. The error lists the types that it can return.
use healthcheck::health_check;

#[health_check]
fn redis() -> impl Sized {
    1_u8
}

fn main() {}
