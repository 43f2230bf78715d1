//! What is known of a check before it runs: its options, its description, and the rules for both.

mod info;
pub(crate) mod options;
pub(crate) mod rules;

pub use info::CheckInfo;
pub use options::CheckOptions;
