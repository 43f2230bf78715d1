// A section's error is held to the same rule as a check's.
use healthcheck::env_section;

use std::error::Error;

#[env_section]
fn application() -> Result<u8, Box<dyn Error>> {
    Ok(1)
}

fn main() {}
