//! The tasks that run beside the HTTP server, on its thread.

pub(super) mod haproxy_agent;
pub(super) mod maintenance_file;
pub(crate) mod runtime_watch;
#[cfg(all(feature = "systemd", unix))]
pub(super) mod systemd;
pub(crate) mod termination_log;
