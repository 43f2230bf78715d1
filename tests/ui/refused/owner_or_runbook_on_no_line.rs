// The owner of a check and the URL of its runbook can't be empty, and can't contain a line feed.
use healthcheck::health_check;

#[health_check(owner = "", runbook = "https://runbooks.example/\n")]
fn redis() {}

#[health_check(owner = 7, runbook)]
fn database() {}

fn main() {}
