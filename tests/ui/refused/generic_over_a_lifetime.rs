// Nobody is there to choose a lifetime.
use healthcheck::health_check;

#[health_check]
fn redis<'a>(_url: &'a String) -> &'a str {
    _url
}

fn main() {}
