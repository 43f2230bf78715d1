//! Tests the public API of the crate `healthcheck`. The tests build each registry by hand, without the attributes and
//! without a server.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod background;
mod dependencies;
mod environment;
mod freshness;
mod lifecycle;
mod logging;
mod overrides;
mod peers;
mod registry;
mod runs;
mod runtimes;
mod selection;
mod settings;
mod startup;
mod support;
mod thresholds;
mod waiting;
