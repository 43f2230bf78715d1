// A section can't have the name of a field of the report, because both are in the health body.
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
