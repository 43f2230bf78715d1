// A check can't be `unsafe`, because the library can't uphold its safety contract.
use healthcheck::health_check;

#[health_check]
unsafe fn redis() {}

fn main() {}
