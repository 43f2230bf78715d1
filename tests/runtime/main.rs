//! The runtime crate by its public surface, with registries made by hand: no attribute, no server.
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
