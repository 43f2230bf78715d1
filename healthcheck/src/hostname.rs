//! The host name that reports show.

use crate::environment::system;

/// Returns the host's name, or "localhost" if the name is unknown.
pub(crate) fn hostname() -> String {
    system::uname()
        .node
        .or_else(|| std::env::var("HOSTNAME").ok())
        .unwrap_or_else(|| "localhost".to_owned())
}
