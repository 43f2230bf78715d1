// A section has fewer options than a check. For example, it has no `timeout`.
use healthcheck::env_section;

#[env_section(timeout = "5s")]
fn application() -> u8 {
    1
}

fn main() {}
