// A check can't be generic over a lifetime, because the library can't choose the lifetime.
use healthcheck::health_check;

#[health_check]
fn redis<'a>(_url: &'a String) -> &'a str {
    _url
}

fn main() {}
