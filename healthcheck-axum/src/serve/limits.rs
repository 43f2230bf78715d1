use std::fs;
use std::time::Duration;

/// What the server allows its clients.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Connections that are served at once. For the next one others make room; where all are being answered, it waits in
    /// the kernel's queue.
    pub(crate) connections: usize,
    /// How long a request's head may take, the first one from the connection, and how long the client may take nothing of
    /// an answer.
    pub(crate) head: Duration,
    /// How long a connection may stand idle between two requests.
    pub(crate) idle: Duration,
    /// Whether a client that has closed its side is answered. One that has left looks the same, and would keep its place
    /// for ever where an answer may take that long.
    pub(crate) half_closed: bool,
    /// How long requests in flight may take once the listener is closed.
    pub(crate) drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4_096,
            head: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            half_closed: true,
            // With the shutdown delay of 5 s below the 30 s that Kubernetes grants.
            drain: Duration::from_secs(20),
        }
    }
}

impl Limits {
    /// For this process: half of the files that it may have open are left to the application. Where the system doesn't tell how many it may have, nothing is.
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

/// The soft limit.
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
