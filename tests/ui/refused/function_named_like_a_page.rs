// The name of a check's function can't be that of a page below the health path, unless the option `name` is set.
use healthcheck::health_check;

#[health_check]
fn history() {}

fn main() {}
