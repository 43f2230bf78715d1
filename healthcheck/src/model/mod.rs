//! Plain data: the options and the policy of a check, and the formats of times and durations.

mod info;
pub(crate) mod options;
pub(crate) mod policy;
pub(crate) mod rules;
pub(crate) mod time;

pub use info::CheckInfo;
pub use options::CheckOptions;

/// A shared, immutable value, such as a check's description.
pub(crate) type Shared<T> = std::sync::Arc<T>;
