// An owner and a runbook's URL can't be empty, and can't contain a line feed.
use healthcheck::health_check;

#[health_check(owner = "", runbook = "https://runbooks.example/\n")]
fn redis() {}

#[health_check(owner = 7, runbook)]
fn database() {}

fn main() {}
