// A name can't be `.` or `..`, because in a URL path these mean a directory.
use healthcheck::health_check;

#[health_check(name = ".")]
fn redis() {}

#[health_check(name = "..")]
fn database() {}

fn main() {}
