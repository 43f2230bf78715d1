// A name can't be `.` or `..`, because a URL path can't end in these.
use healthcheck::health_check;

#[health_check(name = ".")]
fn redis() {}

#[health_check(name = "..")]
fn database() {}

fn main() {}
