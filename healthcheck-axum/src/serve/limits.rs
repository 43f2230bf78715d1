use std::fs;
use std::time::Duration;

/// The limits of the HTTP server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The most connections that the server serves at the same time. To accept a further connection, the server closes
    /// other connections.
    ///
    /// The server doesn't close a connection that waits for an answer. If every connection waits for an answer, further
    /// connections wait in the kernel's queue.
    pub(crate) connections: usize,
    /// How long a client may take to send the head of a request, and how long it may go without reading any part of an
    /// answer. The time for the first head begins when the client connects.
    pub(crate) head: Duration,
    /// How long a connection may be idle after an answer.
    pub(crate) idle: Duration,
    /// Whether the server answers a client that has closed its sending side. The server can't distinguish such a client
    /// from a client that has disconnected.
    ///
    /// If answers have no time limit, this is false. Otherwise the connection of a disconnected client could stay open
    /// forever.
    pub(crate) half_closed: bool,
    /// How long the server waits for the requests in flight to end after it has closed the listener.
    pub(crate) drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4_096,
            head: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            half_closed: true,
            // The shutdown delay of 5 s and these 20 s are together shorter than Kubernetes' default grace period of 30
            // s.
            drain: Duration::from_secs(20),
        }
    }
}

impl Limits {
    /// Returns the limits for this process. At most half of the files that the process may open are for connections.
    /// The other half remains for the application.
    ///
    /// If the system doesn't report how many files the process may open, returns the default number of connections.
    pub(crate) fn of_this_process() -> Self {
        let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
        Self::default().within(open_files(&limits))
    }

    fn within(self, files: Option<usize>) -> Self {
        let half = files.map_or(usize::MAX, |files| files / 2);
        Self {
            connections: self.connections.min(half).max(1),
            ..self
        }
    }
}

/// Returns the soft limit of open files, given the text of `/proc/self/limits`.
fn open_files(limits: &str) -> Option<usize> {
    let of_files = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    of_files.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_files_are_the_applications() {
        let limits = |soft: &str| {
            format!("Max processes   96364  96364  processes\nMax open files   {soft}  20000  files\n")
        };
        for (soft, connections) in [("1024", 512), ("20000", 4_096), ("unlimited", 4_096), ("1", 1)] {
            let files = open_files(&limits(soft));
            assert_eq!(Limits::default().within(files).connections, connections, "{soft}");
        }
        assert_eq!(open_files(""), None, "a system without that file");
    }

    #[test]
    fn the_limits_are_those_that_the_docs_promise() {
        let Limits {
            connections,
            head,
            idle,
            half_closed: _,
            drain,
        } = Limits::default();
        let seconds = [head, idle, drain].map(|limit| limit.as_secs());
        assert_eq!((connections, seconds), (4_096, [10, 75, 20]));
    }
}
