// A dependency of a check has to be `Sync`, because several threads may use it at the same time.
use healthcheck::health_check;

use std::cell::RefCell;

#[health_check]
fn redis(_client: &RefCell<u8>) {}

fn main() {}
