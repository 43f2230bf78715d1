// Even if a function's body is incomplete, the attribute emits the function. So calls of it cause no further errors.
use healthcheck::health_check;

#[health_check]
fn redis() -> bool {
    let client = String::new();
    client.
}

fn main() {
    let _still_known: fn() -> bool = redis;
}
