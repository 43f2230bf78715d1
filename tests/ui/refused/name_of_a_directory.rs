// A path of a URL can't end in `.` or `..`.
use healthcheck::health_check;

#[health_check(name = ".")]
fn redis() {}

#[health_check(name = "..")]
fn database() {}

fn main() {}
