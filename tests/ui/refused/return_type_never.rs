// A check can't return `!`, because it has to end.
use healthcheck::health_check;

#[health_check]
fn redis() -> ! {
    loop {}
}

fn main() {}
