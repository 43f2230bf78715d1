//! Answers HAProxy's agent check: sends one line about readiness to each client that connects to a TCP port.

use std::time::Duration;

use healthcheck::{HealthCheck, Overall, Selection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::log::log;
use crate::task::Task;

/// The most connections that the agent serves at the same time. Further connections wait in the kernel's queue.
///
/// HAProxy needs few connections: it opens one in each interval of its agent check.
const CONNECTIONS: usize = 64;
/// How long a client may take to read the line and then close the connection, both together.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long to wait after `accept` has failed, before the next call of `accept`.
const BREATH: Duration = Duration::from_millis(100);

/// The listener for HAProxy's agent check, and the checks whose results the agent reports.
pub(crate) struct Agent {
    pub(crate) listener: std::net::TcpListener,
    /// The readiness checks, with the maximum ages of results that the readiness probe also uses.
    pub(crate) selection: Selection,
    /// How long an answer waits for checks whose results are too old. `None` means that an answer waits for every
    /// check.
    pub(crate) budget: Option<Duration>,
}

/// Sends the line for HAProxy to each client that connects, until the caller drops this future.
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
                    // If sending fails, or if the client doesn't read in time, nothing has to be done: HAProxy connects
                    // again.
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

/// Returns the line for HAProxy.
///
/// HAProxy keeps the states `maint` and `drain` until a line contains `ready`. The word `up` doesn't end these states.
/// HAProxy keeps a weight until a line contains another weight, so every line with `up` contains a weight.
async fn line(health: &HealthCheck, selection: &Selection, budget: Option<Duration>) -> &'static str {
    // The function checks for a shutdown and for maintenance first. In these two states the service answers without
    // waiting for its checks.
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
        // A shutdown or maintenance may have begun while the checks ran.
        _ if health.is_draining() => "drain\n",
        _ if health.maintenance_reason().is_some() => "maint\n",
        _ => "ready down\n",
    }
}

async fn send(mut stream: TcpStream, line: &str) -> std::io::Result<()> {
    stream.write_all(line.as_bytes()).await?;
    stream.shutdown().await?;
    // Reads the bytes that HAProxy sends with its option `agent-send`. Closing a socket with unread bytes would reset
    // the connection, and HAProxy could lose the line.
    let mut sent = [0; 256];
    while stream.read(&mut sent).await? > 0 {}
    Ok(())
}
