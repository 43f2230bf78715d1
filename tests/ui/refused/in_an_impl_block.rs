// A check can't be a method or an associated function. But to the macro, `ping` looks like a free function. So the
// macro accepts `ping`, and the compiler reports the error.
use healthcheck::{env_section, health_check};

struct Redis;

impl Redis {
    #[health_check]
    fn ping() {}

    #[health_check]
    async fn lent<'a>(&'a self, _limit: &mut u8) -> bool
    where
        'a: 'static,
    {
        true
    }

    #[health_check]
    fn named(_this: &Self) {}

    #[env_section]
    fn section(self: Box<Self>) -> u8 {
        1
    }
}

trait Ping {
    #[health_check(time_out = "5s")]
    fn ping(&self);
}

// The attribute `#[async_trait]` would generate this function from `async fn ping()`.
impl Redis {
    #[health_check]
    fn of_async_trait<'async_trait>() -> std::pin::Pin<Box<dyn Future<Output = bool> + Send + 'async_trait>> {
        Box::pin(async { true })
    }
}

fn main() {}
