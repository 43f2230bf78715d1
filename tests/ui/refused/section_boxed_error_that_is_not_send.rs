// The boxed error of a section's function has to be `Send`, like that of a check's function.
use healthcheck::env_section;

use std::error::Error;

#[env_section]
fn application() -> Result<u8, Box<dyn Error>> {
    Ok(1)
}

fn main() {}
