// There's no value for `self`.
use healthcheck::health_check;

struct Redis;

impl Redis {
    #[health_check]
    fn ping(&self) {}
}

fn main() {}
