// A method or an associated function is no free one. Where its signature doesn't show it, the compiler refuses what stands
// beside it.
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

// What `#[async_trait]` makes of `async fn ping()`.
impl Redis {
    #[health_check]
    fn of_async_trait<'async_trait>() -> std::pin::Pin<Box<dyn Future<Output = bool> + Send + 'async_trait>> {
        Box::pin(async { true })
    }
}

fn main() {}
