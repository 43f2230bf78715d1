// If a function has several mistakes, the macro reports all of them.
use healthcheck::health_check;

#[health_check(nmae = "x", timeout = "soon", failure_threshold = 0, tags(""), external, liveness)]
const unsafe fn redis<T>(_client: &mut T, _url: &str) {}

fn main() {}
