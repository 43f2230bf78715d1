// A type that says nothing about health is refused, and the message lists those that do.
use healthcheck::health_check;

#[health_check]
fn redis() -> Vec<u8> {
    Vec::new()
}

#[health_check]
async fn database() -> Result<u8, String> {
    Ok(1)
}

fn main() {}
