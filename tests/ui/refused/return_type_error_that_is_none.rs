// What isn't an error can't be one.
use healthcheck::health_check;

#[health_check]
fn redis() -> Result<(), u8> {
    Ok(())
}

fn main() {}
