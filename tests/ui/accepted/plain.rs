// The shortest checks and sections that are possible.
use healthcheck::{env_section, health_check};

#[health_check]
fn sync() {}

#[health_check()]
async fn asynchronous() {}

#[env_section]
fn section() -> u8 {
    1
}

fn main() {
    sync();
}
