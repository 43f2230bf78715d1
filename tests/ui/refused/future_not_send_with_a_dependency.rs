// The future of a check with a dependency has to be `Send` too.
use healthcheck::health_check;

use std::rc::Rc;

#[health_check]
async fn redis(url: &String) {
    let client = Rc::new(url);
    std::future::ready(()).await;
    drop(client);
}

fn main() {}
