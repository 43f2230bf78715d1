// The attribute is accepted only on a function.
use healthcheck::health_check;

use healthcheck::env_section;

#[health_check]
struct Redis;

#[health_check]
const LIMIT: u8 = 1;

#[env_section]
mod application {}

fn main() {}
