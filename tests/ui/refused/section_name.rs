// The name of a section has to be one segment of a URL path, like the name of a check.
use healthcheck::env_section;

#[env_section(name = "")]
fn one() -> u8 {
    1
}

#[env_section(name = "..")]
fn two() -> u8 {
    2
}

#[env_section(name = "a/b")]
fn three() -> u8 {
    3
}

fn main() {}
