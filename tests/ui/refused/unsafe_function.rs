// A check can't be an `unsafe fn`, because the library can't know which conditions make the call safe.
use healthcheck::health_check;

#[health_check]
unsafe fn redis() {}

fn main() {}
