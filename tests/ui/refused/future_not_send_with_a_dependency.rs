// The future of a check has to be `Send`, even if the check has a dependency.
use healthcheck::health_check;

use std::rc::Rc;

#[health_check]
async fn redis(url: &String) {
    let client = Rc::new(url);
    std::future::ready(()).await;
    drop(client);
}

fn main() {}
