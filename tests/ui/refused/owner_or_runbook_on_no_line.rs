// An owner and the address of a runbook stand on one line, with something on it.
use healthcheck::health_check;

#[health_check(owner = "", runbook = "https://runbooks.example/\n")]
fn redis() {}

#[health_check(owner = 7, runbook)]
fn database() {}

fn main() {}
