//! What goes on beside the answers.

pub(super) mod maintenance_file;
pub(crate) mod runtime_watch;
