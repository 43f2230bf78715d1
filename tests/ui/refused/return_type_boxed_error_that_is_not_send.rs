// A check's boxed error has to be `Send`, because it moves between threads. The message names the type to use.
use healthcheck::health_check;

use std::error::Error;

#[health_check]
fn redis() -> Result<(), Box<dyn Error>> {
    Ok(())
}

#[health_check]
async fn database() -> Result<&'static str, Box<dyn Error>> {
    Ok("fine")
}

fn main() {}
