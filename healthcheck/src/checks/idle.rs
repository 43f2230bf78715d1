//! For how long a connection that is kept between runs may stand idle.

use std::time::Duration;

/// Load balancers and address translation forget what stands idle, some after a minute and without a word: what is sent
/// over such a connection is never answered.
pub(super) const LONGEST_IDLE: Duration = Duration::from_secs(45);
