// A check comes to an end.
use healthcheck::health_check;

#[health_check]
fn redis() -> ! {
    loop {}
}

fn main() {}
