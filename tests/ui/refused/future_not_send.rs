// A check's future has to be `Send`, because a run may change threads. The error points at the value that isn't `Send`.
use healthcheck::health_check;

use std::rc::Rc;

#[health_check]
async fn redis() {
    let client = Rc::new(1);
    std::future::ready(()).await;
    drop(client);
}

fn main() {}
