// A value travels to the run's thread.
use healthcheck::health_check;

use std::rc::Rc;

#[health_check]
async fn redis(_client: Rc<u8>) {}

fn main() {}
