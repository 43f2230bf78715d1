// A run may move to another thread; the message points at the value that can't.
use healthcheck::health_check;

use std::rc::Rc;

#[health_check]
async fn redis() {
    let client = Rc::new(1);
    std::future::ready(()).await;
    drop(client);
}

fn main() {}
