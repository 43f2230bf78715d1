// An error travels between threads, and the message names the type that can.
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
