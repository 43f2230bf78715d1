// A dependency that a check takes by value has to be `Clone`, because each run gets a clone.
use healthcheck::health_check;

struct Client;

#[health_check]
fn redis(_client: Client) {}

#[health_check]
async fn database(_client: Client) {}

fn main() {}
