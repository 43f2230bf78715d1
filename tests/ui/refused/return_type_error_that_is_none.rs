// If a check returns a `Result`, the error type has to be an error or a text. A `u8` isn't either of these.
use healthcheck::health_check;

#[health_check]
fn redis() -> Result<(), u8> {
    Ok(())
}

fn main() {}
