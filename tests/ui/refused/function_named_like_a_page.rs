// Without the option `name`, the function's name can't be the name of a page below the health path.
use healthcheck::health_check;

#[health_check]
fn history() {}

fn main() {}
