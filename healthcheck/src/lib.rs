//! Health checks and an environment page.

#[allow(dead_code, reason = "wired by the runtime")]
mod redact;

pub use redact::{Redactor, redact};
