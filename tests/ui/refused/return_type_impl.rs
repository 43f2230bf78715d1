// A check can return `impl Trait` only if the trait implies `IntoOutcome`. The error lists the possible return types.
use healthcheck::health_check;

#[health_check]
fn redis() -> impl Sized {
    1_u8
}

fn main() {}
