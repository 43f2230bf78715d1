// A check can't return an error of a type that isn't an error.
use healthcheck::health_check;

#[health_check]
fn redis() -> Result<(), u8> {
    Ok(())
}

fn main() {}
