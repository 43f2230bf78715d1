use std::error::Error;
use std::net::SocketAddr;
use std::{fmt, io};

use healthcheck::BuildError;

/// The error that [`serve`](crate::serve) returns.
///
/// The text of the error is for people and may change. In code, use the methods of this type instead.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// let addr = taken.local_addr()?;
///
/// let error = healthcheck_axum::serve(addr).await.unwrap_err();
/// assert!(error.is_listen());
/// assert_eq!(error.to_string(), format!("can't listen on {addr}: address already in use"));
/// # Ok(())
/// # }
/// ```
pub struct ServeError {
    failure: Failure,
}

enum Failure {
    Build(BuildError),
    /// The address can't be resolved. `text` is the address as the application wrote it, if that is known.
    NoAddress {
        text: Option<String>,
        why: io::Error,
    },
    Listen {
        on: Vec<SocketAddr>,
        why: io::Error,
    },
    Start {
        what: &'static str,
        why: io::Error,
    },
    Panicked,
}

impl ServeError {
    pub(in crate::serve) fn no_address(text: Option<&str>, why: io::Error) -> Self {
        let text = text.map(str::to_owned);
        Self {
            failure: Failure::NoAddress { text, why },
        }
    }

    pub(in crate::serve) fn listen(on: Vec<SocketAddr>, why: io::Error) -> Self {
        Self {
            failure: Failure::Listen { on, why },
        }
    }

    pub(in crate::serve) const fn start(what: &'static str, why: io::Error) -> Self {
        Self {
            failure: Failure::Start { what, why },
        }
    }

    pub(in crate::serve) const fn panicked() -> Self {
        Self {
            failure: Failure::Panicked,
        }
    }

    /// Returns whether the cause is a [`BuildError`]: the configuration of the checks, the sections or the endpoints is
    /// wrong.
    #[must_use]
    pub const fn is_build(&self) -> bool {
        matches!(self.failure, Failure::Build(_))
    }

    /// Returns whether the cause is that the server can't listen on an address. For example, the address is in use,
    /// doesn't belong to this machine, isn't permitted, or contains an unknown host name.
    #[must_use]
    pub const fn is_listen(&self) -> bool {
        matches!(self.failure, Failure::NoAddress { .. } | Failure::Listen { .. })
    }
}

impl From<BuildError> for ServeError {
    fn from(error: BuildError) -> Self {
        Self {
            failure: Failure::Build(error),
        }
    }
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.failure {
            Failure::Build(error) => fmt::Display::fmt(error, f),
            Failure::NoAddress { text, why } => {
                f.write_str("can't listen")?;
                if let Some(text) = text {
                    write!(f, " on `{text}`")?;
                }
                write!(
                    f,
                    ": {}; an address is host and port, like \"127.0.0.1:8080\"",
                    plain(why)
                )
            }
            Failure::Listen { on, why } => {
                f.write_str("can't listen")?;
                for (index, addr) in on.iter().enumerate() {
                    write!(f, "{} {addr}", if index == 0 { " on" } else { " or" })?;
                }
                write!(f, ": {}", plain(why))
            }
            Failure::Start { what, why } => write!(f, "can't {what}: {}", plain(why)),
            Failure::Panicked => f.write_str("the thread of the health server panicked"),
        }
    }
}

/// Describes the error in words, without the error number of the operating system.
fn plain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => return "address already in use".to_owned(),
        io::ErrorKind::AddrNotAvailable => return "this machine has no such address".to_owned(),
        io::ErrorKind::PermissionDenied => return "permission denied".to_owned(),
        _ => {}
    }
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((said, _)) => said.to_owned(),
        None => text,
    }
}

/// Prints the same text as [`Display`](fmt::Display), because `fn main() -> Result<(), ServeError>` prints its error
/// with `Debug`.
impl fmt::Debug for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

// `source` isn't implemented: the message already contains the texts of the underlying errors.
impl Error for ServeError {}
