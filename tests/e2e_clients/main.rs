//! Real clients against a real service: each is installed by `.ci/install-clients`, started on loopback by its test, and
//! configured by the file in `examples/` that a user copies.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "../e2e_checks/servers/mod.rs"]
mod servers;
mod service;

mod haproxy;
mod monitors;
mod prometheus;
mod proxies;
