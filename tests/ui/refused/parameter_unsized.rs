// A dependency has a size.
use healthcheck::health_check;

use std::path::Path;

#[health_check]
fn disk(_root: &Path) {}

fn main() {}
