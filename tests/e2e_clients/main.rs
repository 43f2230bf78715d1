//! Tests the library with real programs that watch a service: load balancers, monitors and scrapers. Each program uses
//! its configuration from `examples`, but with ports that are free.
//!
//! `.ci/install-clients` installs the programs. If a program is missing, its test fails.
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
#[allow(dead_code)] // The tests of `serve` use the other functions.
#[path = "../serve/process.rs"]
mod process;
mod prometheus;
mod proxies;
mod states;
mod stats;
