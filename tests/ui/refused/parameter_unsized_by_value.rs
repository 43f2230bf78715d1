// The same by value; the compiler has a word to say about it, too.
use healthcheck::health_check;

#[health_check]
fn redis(_url: str) {}

fn main() {}
