//! What a check is before it runs, and how moments and durations are written: plain values, without anything that acts.

mod info;
pub(crate) mod options;
pub(crate) mod policy;
pub(crate) mod rules;
pub(crate) mod time;

pub use info::CheckInfo;
pub use options::CheckOptions;

/// A value that several places hold, such as a check's description: never changed once it is shared.
pub(crate) type Shared<T> = std::sync::Arc<T>;
