// The attribute of a section has fewer options than that of a check. For example, it has no option `timeout`.
use healthcheck::env_section;

#[env_section(timeout = "5s")]
fn application() -> u8 {
    1
}

fn main() {}
