// A section's boxed error has to be `Send`, like a check's.
use healthcheck::env_section;

use std::error::Error;

#[env_section]
fn application() -> Result<u8, Box<dyn Error>> {
    Ok(1)
}

fn main() {}
