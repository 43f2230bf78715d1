//! Which layer of a network check failed: the first thing that whoever is called at night wants to know.

use std::fmt;

use crate::Outcome;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layer {
    /// The name has no address.
    Dns,
    /// Nobody accepts at the address.
    Connect,
}

impl Layer {
    /// A failure of this layer, as in "connect: 127.0.0.1:5432: connection refused".
    pub(super) fn failure(self, what: impl fmt::Display) -> Outcome {
        Outcome::fail(format!("{self}: {what}"))
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dns => "DNS",
            Self::Connect => "connect",
        })
    }
}
