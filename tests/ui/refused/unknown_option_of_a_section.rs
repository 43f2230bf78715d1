// A check's options are rejected on a section, which has fewer.
use healthcheck::env_section;

#[env_section(timeout = "5s")]
fn application() -> u8 {
    1
}

fn main() {}
