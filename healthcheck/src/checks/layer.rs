//! The layer at which a network check failed, such as `DNS` or `TLS`. An on-call engineer needs this fact first.

use std::error::Error;
use std::fmt;

use crate::Outcome;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layer {
    /// The name lookup failed.
    #[cfg_attr(not(feature = "checks-net"), allow(dead_code))]
    Dns,
    /// The address didn't accept a connection.
    Connect,
    /// The TLS handshake failed, or the certificate is invalid.
    #[allow(dead_code)] // Only some features enable a check that uses this layer.
    Tls,
    /// The server sent no response, or the response is invalid in the protocol.
    #[allow(dead_code)]
    Protocol,
    /// The server sent a valid response, and the response reports a failure.
    #[allow(dead_code)]
    Verdict,
}

impl Layer {
    /// Returns a failed outcome, such as "connect: 127.0.0.1:5432: connection refused".
    #[allow(dead_code)]
    pub(super) fn failure(self, what: impl fmt::Display) -> Outcome {
        self.problem(what).into()
    }

    /// Guesses the layer of an error that another library returned, from words in the error's text.
    #[cfg(any(feature = "checks-redis", feature = "checks-sqlx", feature = "checks-tonic"))]
    pub(super) fn told_by(error: &str) -> Option<Self> {
        const WORDS: [(Layer, &[&str]); 3] = [
            (
                Layer::Dns,
                // These texts are, in this order, from the standard library on Unix, the standard library on Windows,
                // and hyper.
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

    /// Returns a failure at this layer as an error, so that the caller can use `?`.
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

/// An error of a network check, with its layer.
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
