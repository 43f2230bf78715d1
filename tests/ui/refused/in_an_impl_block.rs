// An associated function looks like a free one; the compiler refuses what stands beside it.
use healthcheck::health_check;

struct Redis;

impl Redis {
    #[health_check]
    fn ping() {}
}

fn main() {}
