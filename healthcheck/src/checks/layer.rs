//! Which layer of a network check failed: the first thing that whoever is called at night wants to know.

use std::error::Error;
use std::fmt;

use crate::Outcome;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layer {
    /// The name has no address.
    #[cfg_attr(not(feature = "checks-net"), allow(dead_code))]
    Dns,
    /// Nobody accepts at the address.
    Connect,
    /// No encrypted connection, or a certificate that doesn't hold.
    #[allow(dead_code)] // The checks that a build leaves out are those that would use it.
    Tls,
    /// No answer, or one that can't be understood.
    #[allow(dead_code)]
    Protocol,
    /// Understood, and it says no.
    #[allow(dead_code)]
    Verdict,
}

impl Layer {
    /// A failure of this layer, as in "connect: 127.0.0.1:5432: connection refused".
    #[allow(dead_code)]
    pub(super) fn failure(self, what: impl fmt::Display) -> Outcome {
        self.problem(what).into()
    }

    /// The layer of an error of somebody else's, by the words of the libraries that it comes from.
    #[cfg(any(feature = "checks-redis", feature = "checks-sqlx", feature = "checks-tonic"))]
    pub(super) fn told_by(error: &str) -> Option<Self> {
        const WORDS: [(Layer, &[&str]); 3] = [
            (
                Layer::Dns,
                // Of the standard library on Unix and on Windows, and of hyper.
                &["failed to lookup address", "No such host", "dns error"],
            ),
            (Layer::Tls, &["certificate", "tls handshake", "fatal alert"]),
            (
                Layer::Connect,
                &[
                    "tcp connect error",
                    "refused",
                    "unreachable",
                    "No such file",
                    "not available",
                ],
            ),
        ];
        let (layer, _) = WORDS
            .iter()
            .find(|(_, words)| words.iter().any(|&words| error.contains(words)))?;
        Some(*layer)
    }

    /// The same while it is still under way.
    pub(super) fn problem(self, what: impl fmt::Display) -> Problem {
        Problem {
            layer: self,
            what: what.to_string(),
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dns => "DNS",
            Self::Connect => "connect",
            Self::Tls => "TLS",
            Self::Protocol => "protocol",
            Self::Verdict => "verdict",
        })
    }
}

/// What went wrong, and in which layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) layer: Layer,
    pub(super) what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.layer, self.what)
    }
}

impl Error for Problem {}

impl From<Problem> for Outcome {
    fn from(problem: Problem) -> Self {
        Self::fail(problem.to_string())
    }
}
