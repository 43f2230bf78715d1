// A check's parameter can't have a named lifetime, because a check borrows a dependency only for one run.
use healthcheck::health_check;

#[health_check]
fn redis(_client: &'static String) {}

struct Client<'a>(&'a str);

#[health_check]
fn database(_client: &Client<'_>) {}

fn main() {}
