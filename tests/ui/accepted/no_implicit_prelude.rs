// The code that the attributes generate compiles in a crate without a prelude.
#![no_implicit_prelude]
#![forbid(unsafe_code)]
#![deny(warnings)]

struct Client;

impl ::std::clone::Clone for Client {
    fn clone(&self) -> Self {
        Client
    }
}

#[::healthcheck::health_check(liveness, tags("a"), timeout = "2s", failed_ttl = "none", failure_threshold = 2)]
fn sync(_lent: &Client, _owned: Client) -> bool {
    true
}

#[::healthcheck::health_check(interval = "10s", initial_delay = "1s", critical = false)]
async fn asynchronous(_lent: &Client, _owned: Client) -> ::std::result::Result<(), ::std::io::Error> {
    ::std::result::Result::Ok(())
}

#[::healthcheck::env_section(in_health)]
async fn section(_lent: &Client) -> ::std::string::String {
    ::std::string::String::new()
}

fn main() {
    ::std::assert!(::healthcheck::HealthCheck::discover().is_err());
    ::std::assert!(::healthcheck::HealthCheck::builder().provide(Client).build().is_ok());
}
