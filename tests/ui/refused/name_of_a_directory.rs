// The name of a check can't be `.` or `..`, because these stand for directories in a URL path.
use healthcheck::health_check;

#[health_check(name = ".")]
fn redis() {}

#[health_check(name = "..")]
fn database() {}

fn main() {}
