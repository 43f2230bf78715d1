//! HAProxy's agent check: a TCP port that reports readiness in one line.

use std::time::Duration;

use healthcheck::{HealthCheck, Overall, Selection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::log::log;
use crate::task::Task;

/// The most connections at once. HAProxy opens one in each interval. Further connections wait to be accepted.
const CONNECTIONS: usize = 64;
/// How long a client may take to read the line and to close the connection.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long to wait after an error of `accept`.
const BREATH: Duration = Duration::from_millis(100);

/// The listener of the agent check, and the checks that it reports on.
pub(crate) struct Agent {
    pub(crate) listener: std::net::TcpListener,
    /// The readiness checks, with the same maximum age as on the probe.
    pub(crate) selection: Selection,
    /// How long an answer may wait for due checks.
    pub(crate) budget: Option<Duration>,
}

/// Answers every connection until the future is dropped.
pub(crate) async fn answer(agent: Agent, health: HealthCheck) {
    let listener = match TcpListener::from_std(agent.listener) {
        Ok(listener) => listener,
        Err(error) => {
            log!(ERROR, %error, "the agent of HAProxy can't wait for connections");
            return;
        }
    };
    let mut connections = JoinSet::new();
    loop {
        if connections.len() >= CONNECTIONS {
            connections.join_next().await;
            continue;
        }
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (health, selection) = (health.clone(), agent.selection.clone());
                let connection: Task = Box::pin(async move {
                    let line = line(&health, &selection, agent.budget).await;
                    // An error needs no handling: a client that left, or that didn't read in time, connects again.
                    let sent = timeout(PATIENCE, send(stream, line)).await;
                    log!(TRACE, %peer, line, ?sent, "agent of HAProxy");
                });
                connections.spawn(connection);
            }
            Err(error) => {
                log!(DEBUG, %error, "the agent of HAProxy can't accept a connection");
                sleep(BREATH).await;
            }
        }
    }
}

/// Returns the line for HAProxy. HAProxy keeps the states `maint` and `drain` until a line with `ready` ends them; `up`
/// doesn't end them. HAProxy also keeps the weight, so every `up` has a weight.
async fn line(health: &HealthCheck, selection: &Selection, budget: Option<Duration>) -> &'static str {
    // These two states come first, so that a service that shuts down or is in maintenance answers without waiting for
    // its checks.
    if health.is_draining() {
        return "drain\n";
    }
    if health.maintenance_reason().is_some() {
        return "maint\n";
    }
    let status = health.report_within(selection, budget).await;
    match status.map(|report| report.status) {
        Ok(Overall::Success) => "ready up 100%\n",
        Ok(Overall::Degraded) => "ready up 75%\n",
        // A drain or maintenance may have begun while the checks ran.
        _ if health.is_draining() => "drain\n",
        _ if health.maintenance_reason().is_some() => "maint\n",
        _ => "ready down\n",
    }
}

async fn send(mut stream: TcpStream, line: &str) -> std::io::Result<()> {
    stream.write_all(line.as_bytes()).await?;
    stream.shutdown().await?;
    // Reads what the client sends (HAProxy's `agent-send`). Closing a socket with unread bytes resets the connection,
    // and the client may lose the line.
    let mut sent = [0; 256];
    while stream.read(&mut sent).await? > 0 {}
    Ok(())
}
