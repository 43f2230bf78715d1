// A function can't be both a check and `main` or a test: only the library may call a check.
use healthcheck::{env_section, health_check};

#[health_check]
#[tokio::main]
async fn of_a_runtime() -> bool {
    true
}

#[health_check]
#[tokio::test]
async fn tested() -> bool {
    true
}

#[env_section]
#[test]
fn tested_too() -> &'static str {
    "x"
}

fn main() {}
