// The attribute emits a function even if its body is incomplete. So calls of this function cause no further errors.
use healthcheck::health_check;

#[health_check]
fn redis() -> bool {
    let client = String::new();
    client.
}

fn main() {
    let _still_known: fn() -> bool = redis;
}
