//! What a check is and what is reported of it: plain values, without anything that runs.

pub(crate) mod policy;
pub(crate) mod time;

/// A value that several places hold, such as a check's description: never changed once it is shared.
pub(crate) type Shared<T> = std::sync::Arc<T>;
