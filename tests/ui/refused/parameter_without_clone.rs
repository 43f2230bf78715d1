// A value is cloned for each run.
use healthcheck::health_check;

struct Client;

#[health_check]
fn redis(_client: Client) {}

#[health_check]
async fn database(_client: Client) {}

fn main() {}
