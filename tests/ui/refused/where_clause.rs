// Bounds are for generic functions.
use healthcheck::health_check;

#[health_check]
fn redis()
where
    String: Clone,
{
}

fn main() {}
