// A check can't return a type that doesn't convert to an outcome. The message lists the types that convert.
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
