// A check can't have the return type `!`, because a check has to end.
use healthcheck::health_check;

#[health_check]
fn redis() -> ! {
    loop {}
}

fn main() {}
