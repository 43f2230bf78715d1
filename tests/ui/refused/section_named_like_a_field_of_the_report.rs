// A section in the health report can't have the name of another field of this report.
use healthcheck::env_section;

#[env_section(in_health)]
fn status() -> u8 {
    1
}

#[env_section(name = "results", in_health)]
fn numbers() -> u8 {
    2
}

fn main() {}
