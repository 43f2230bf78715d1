// A check's parameter can't be `&mut`, because several runs may use the dependency at the same time.
use healthcheck::health_check;

#[health_check]
fn redis(_client: &mut String) {}

fn main() {}
