// A dependency has to be `Sync`, because threads share it.
use healthcheck::health_check;

use std::cell::RefCell;

#[health_check]
fn redis(_client: &RefCell<u8>) {}

fn main() {}
