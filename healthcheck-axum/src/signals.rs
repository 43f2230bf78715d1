//! The signals that end `serve`.

use std::io;

/// Which signal came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caught {
    /// SIGTERM: of Kubernetes, systemd and `docker stop`.
    Terminate,
    /// SIGINT: Ctrl-C.
    Interrupt,
}

impl Caught {
    /// What a shell gives for a process that this signal ended.
    pub(crate) const fn exit_code(self) -> i32 {
        match self {
            Self::Terminate => 128 + 15,
            Self::Interrupt => 128 + 2,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Terminate => "SIGTERM",
            Self::Interrupt => "Ctrl-C",
        }
    }
}

/// The installed handlers, or none: then nothing ever comes.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    handlers: Option<Handlers>,
}

impl Signals {
    /// Takes SIGTERM and Ctrl-C over, for the rest of the process. Needs the runtime that will wait for them.
    pub(crate) fn install() -> io::Result<Self> {
        Ok(Self {
            handlers: Some(Handlers::install()?),
        })
    }

    /// Whether they are taken over, and by this one.
    pub(crate) const fn are_installed(&self) -> bool {
        self.handlers.is_some()
    }

    /// The next signal. Loses none when it is dropped unfinished.
    pub(crate) async fn next(&mut self) -> Caught {
        match &mut self.handlers {
            Some(handlers) => handlers.next().await,
            None => std::future::pending().await,
        }
    }
}

#[cfg(unix)]
#[derive(Debug)]
struct Handlers {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Handlers {
    fn install() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) -> Caught {
        let come = tokio::select! {
            come = self.terminate.recv() => come.map(|()| Caught::Terminate),
            come = self.interrupt.recv() => come.map(|()| Caught::Interrupt),
        };
        match come {
            Some(caught) => caught,
            // The stream has ended; tokio says that it never does.
            None => std::future::pending().await,
        }
    }
}

#[cfg(not(unix))]
#[derive(Debug)]
struct Handlers;

#[cfg(not(unix))]
impl Handlers {
    fn install() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> Caught {
        match tokio::signal::ctrl_c().await {
            Ok(()) => Caught::Interrupt,
            Err(_) => std::future::pending().await,
        }
    }
}
