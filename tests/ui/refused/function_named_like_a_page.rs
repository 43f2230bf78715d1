// A function without the option `name` can't have the name of a page below the health path.
use healthcheck::health_check;

#[health_check]
fn history() {}

fn main() {}
