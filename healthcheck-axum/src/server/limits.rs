use std::time::Duration;

/// What the server allows its clients.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Connections that are served at once. For the next one the longest idle is closed; where none is, one waits here and
    /// the others in the kernel's queue.
    pub(crate) connections: usize,
    /// How long a request's head may take, the first one from the connection, and how long the client may take nothing of
    /// an answer.
    pub(crate) head: Duration,
    /// How long a connection may stand idle between two requests.
    pub(crate) idle: Duration,
    /// How long requests in flight may take once the listener is closed.
    pub(crate) drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4_096,
            head: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            // With the shutdown delay of 5 s below the 30 s that Kubernetes grants.
            drain: Duration::from_secs(20),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_are_those_that_the_docs_promise() {
        let Limits {
            connections,
            head,
            idle,
            drain,
        } = Limits::default();
        let seconds = [head, idle, drain].map(|limit| limit.as_secs());
        assert_eq!((connections, seconds), (4_096, [10, 75, 20]));
    }
}
