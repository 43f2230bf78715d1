//! The options that apply only to `serve`.

use std::path::PathBuf;
use std::time::Duration;

/// The name of the liveness check that the server adds.
pub(crate) const RUNTIME: &str = "runtime";
/// The file to which `serve` writes the failing checks by default. It is the default `terminationMessagePath` of
/// Kubernetes.
pub(crate) const TERMINATION_LOG: &str = "/dev/termination-log";

/// The options that apply only to `serve`. `Endpoints::router` ignores these options.
#[derive(Clone, Debug)]
pub(crate) struct Serving {
    pub(crate) shutdown_delay: Option<Duration>,
    pub(crate) watch_runtime: bool,
    pub(crate) maintenance_file: Option<PathBuf>,
    pub(crate) termination_log: PathBuf,
    pub(crate) haproxy_agent: Option<String>,
}

impl Default for Serving {
    fn default() -> Self {
        Self {
            shutdown_delay: None,
            watch_runtime: true,
            maintenance_file: None,
            termination_log: TERMINATION_LOG.into(),
            haproxy_agent: None,
        }
    }
}
