// A check can't have the parameter `self`, because the library has no value for this parameter.
use healthcheck::health_check;

struct Redis;

impl Redis {
    #[health_check]
    fn ping(&self) {}
}

fn main() {}
