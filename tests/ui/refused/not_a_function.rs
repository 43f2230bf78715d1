// The macro rejects the attribute on anything that isn't a function.
use healthcheck::health_check;

use healthcheck::env_section;

#[health_check]
struct Redis;

#[health_check]
const LIMIT: u8 = 1;

#[env_section]
mod application {}

fn main() {}
