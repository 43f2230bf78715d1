// The error type of a check's `Result` has to be a real error type. A `u8` isn't one.
use healthcheck::health_check;

#[health_check]
fn redis() -> Result<(), u8> {
    Ok(())
}

fn main() {}
