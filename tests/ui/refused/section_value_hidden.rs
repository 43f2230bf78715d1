// A section's function can return `impl Trait` only if the trait implies `Serialize`.
use healthcheck::env_section;

#[env_section]
fn application() -> impl Sized {
    1_u8
}

fn main() {}
