// A section's boxed error has to be `Send`, like the error of a check.
use healthcheck::env_section;

use std::error::Error;

#[env_section]
fn application() -> Result<u8, Box<dyn Error>> {
    Ok(1)
}

fn main() {}
