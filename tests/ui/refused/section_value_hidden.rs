// The same for a hidden type.
use healthcheck::env_section;

#[env_section]
fn application() -> impl Sized {
    1_u8
}

fn main() {}
