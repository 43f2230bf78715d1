//! The clients that ask a service how it is, each the real one, started with what `examples` has for it on ports that
//! were free. `.ci/install-clients` installs them; where one isn't there its test fails.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod agent;
mod balancers;
mod blackbox;
mod client;
mod grpc;
mod haproxy;
mod keepalived;
mod monit;
mod nagios;
#[allow(dead_code)] // The tests of `serve` use the rest.
#[path = "../serve/process.rs"]
mod process;
mod prometheus;
mod proxies;
mod states;
mod stats;
