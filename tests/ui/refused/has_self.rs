// A check can't take `self`, because the library has no value for it.
use healthcheck::health_check;

struct Redis;

impl Redis {
    #[health_check]
    fn ping(&self) {}
}

fn main() {}
