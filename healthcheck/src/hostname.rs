//! The name of the host that answers.

use crate::environment::system;

/// The host's name, or "localhost" where it has none to tell.
pub(crate) fn hostname() -> String {
    system::uname()
        .node
        .or_else(|| std::env::var("HOSTNAME").ok())
        .unwrap_or_else(|| "localhost".to_owned())
}
