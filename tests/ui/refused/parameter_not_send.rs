// A dependency of a check has to be `Send`, because a run may be on another thread.
use healthcheck::health_check;

use std::rc::Rc;

#[health_check]
async fn redis(_client: Rc<u8>) {}

fn main() {}
