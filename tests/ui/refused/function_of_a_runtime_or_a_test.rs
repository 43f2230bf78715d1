// A check can't also be the function `main` or a test, because only the library may call the function of a check.
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
