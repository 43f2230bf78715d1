//! HAProxy's agent check: a TCP port that reports readiness in one line.

use std::time::Duration;

use healthcheck::{HealthCheck, Overall, Selection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::log::log;
use crate::task::Task;

/// Connections at once; HAProxy opens one an interval, and the next ones wait.
const CONNECTIONS: usize = 64;
/// How long a client may take to read one line and to close.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long to wait when no connection can be accepted.
const BREATH: Duration = Duration::from_millis(100);

/// Where it listens, and which checks it reports.
pub(crate) struct Agent {
    pub(crate) listener: std::net::TcpListener,
    /// Readiness, as old as a probe may be.
    pub(crate) selection: Selection,
    /// How long a line may wait for due checks.
    pub(crate) budget: Option<Duration>,
}

/// Answers every connection, until it is dropped.
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
                    // A client that doesn't read it connects again.
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

/// HAProxy keeps a state until it gets the opposite: `up` alone ends neither `maint` nor `drain`, which takes
/// `ready`, and gives no weight back.
async fn line(health: &HealthCheck, selection: &Selection, budget: Option<Duration>) -> &'static str {
    // Before the checks are asked: what is going to end isn't held up by them.
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
        // It may have begun to drain meanwhile.
        _ if health.is_draining() => "drain\n",
        _ if health.maintenance_reason().is_some() => "maint\n",
        _ => "ready down\n",
    }
}

async fn send(mut stream: TcpStream, line: &str) -> std::io::Result<()> {
    stream.write_all(line.as_bytes()).await?;
    stream.shutdown().await?;
    // What the client sent (`agent-send`) is read: a socket that is closed before takes the line back by its reset.
    let mut sent = [0; 256];
    while stream.read(&mut sent).await? > 0 {}
    Ok(())
}
