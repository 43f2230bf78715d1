// The type of a dependency has to be `Sized`.
use healthcheck::health_check;

use std::path::Path;

#[health_check]
fn disk(_root: &Path) {}

fn main() {}
