// A half-typed body is one error, and the function stays in place for its callers.
use healthcheck::health_check;

#[health_check]
fn redis() -> bool {
    let client = String::new();
    client.
}

fn main() {
    let _still_known: fn() -> bool = redis;
}
