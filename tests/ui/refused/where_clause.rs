// A check can't have a `where` clause, because a check can't be generic.
use healthcheck::health_check;

#[health_check]
fn redis()
where
    String: Clone,
{
}

fn main() {}
