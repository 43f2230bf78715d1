// An incomplete body causes only one error, and callers of the function still find it.
use healthcheck::health_check;

#[health_check]
fn redis() -> bool {
    let client = String::new();
    client.
}

fn main() {
    let _still_known: fn() -> bool = redis;
}
