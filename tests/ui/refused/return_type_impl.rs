// The same for a hidden type.
use healthcheck::health_check;

#[health_check]
fn redis() -> impl Sized {
    1_u8
}

fn main() {}
