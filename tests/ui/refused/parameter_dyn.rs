// A parameter can't be `&dyn Trait`. A check takes a trait object as an `Arc`.
use healthcheck::health_check;

trait Ping: Send + Sync {}

#[health_check]
fn redis(_client: &dyn Ping) {}

#[health_check]
fn database(_client: &(dyn Ping + Send)) {}

fn main() {}
