// A check's parameter can't be `&dyn Trait`. A check gets a trait object as `Arc<dyn Trait>`.
use healthcheck::health_check;

trait Ping: Send + Sync {}

#[health_check]
fn redis(_client: &dyn Ping) {}

#[health_check]
fn database(_client: &(dyn Ping + Send)) {}

fn main() {}
