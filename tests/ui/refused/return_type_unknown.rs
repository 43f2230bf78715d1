// A return type that doesn't convert to an outcome is rejected. The message lists the types that do.
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
