// The macro rejects a text that isn't a duration. Its message shows valid durations.
use healthcheck::health_check;

#[health_check(timeout = "soon")]
fn redis() {}

#[health_check(success_ttl = "5")]
fn database() {}

#[health_check(failed_ttl = "-1s")]
fn queue() {}

#[health_check(interval = "1 fortnight")]
fn disk() {}

#[health_check(timeout = "")]
fn dns() {}

#[health_check(timeout = "1M")]
fn months() {}

fn main() {}
