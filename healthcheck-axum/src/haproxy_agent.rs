//! HAProxy's agent check: whoever connects is told in one line what to do with this server.

use std::fmt::Write as _;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use healthcheck::{HealthCheck, Overall, Report, Selection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// At once; the next ones wait in the kernel's queue.
const CONNECTIONS: usize = 64;
/// How long it takes at most to be told, beside what the report may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// HAProxy reads no longer line.
const LONGEST: usize = 200;

/// Where it is asked, and what it tells.
#[derive(Debug)]
pub(crate) struct Agent {
    pub(crate) listener: TcpListener,
    /// Readiness, as fresh as the probe is.
    pub(crate) selection: Selection,
    pub(crate) budget: Option<Duration>,
}

/// Answers until it is dropped.
pub(crate) async fn answer(agent: Agent, health: HealthCheck) {
    let listener = match tokio::net::TcpListener::from_std(agent.listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "HAProxy's agent check can't be answered"),
    };
    let (selection, budget) = (Arc::new(agent.selection), agent.budget);
    let mut connections = JoinSet::new();
    loop {
        if connections.len() >= CONNECTIONS {
            connections.join_next().await;
        }
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        let Ok((stream, _)) = accepted else {
            // No free file, or a client that has gone: it asks again.
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        let (health, selection) = (health.clone(), Arc::clone(&selection));
        connections.spawn(async move {
            let report = health.report_within(&selection, budget).await;
            let maintenance = health.maintenance_reason().is_some();
            if let Ok(report) = report {
                let line = line(&report, health.is_draining(), maintenance);
                let _ = timeout(PATIENCE, tell(stream, &line)).await;
            }
        });
    }
}

/// What HAProxy is told. "ready" takes back "drain" and "maint", "100%" takes back "75%".
fn line(report: &Report, draining: bool, maintenance: bool) -> String {
    let mut line = match (draining, maintenance, report.status) {
        (true, ..) => "drain".to_owned(),
        (_, true, _) => "maint".to_owned(),
        (.., Overall::Success) => "up ready 100%".to_owned(),
        (.., Overall::Degraded) => "75% up ready".to_owned(),
        (.., Overall::Failure) => format!("down ready #{}", why(report)),
    };
    line.push('\n');
    line
}

/// The failing checks' names, which is all that a stranger may see.
fn why(report: &Report) -> String {
    let mut why = String::new();
    if report.reason.is_some() {
        why.push_str(" not ready");
    }
    for result in report.results.iter().filter(|result| !result.passed) {
        if why.len() + result.checker.len() > LONGEST {
            why.push_str(" and others");
            break;
        }
        // The statistics page shows it as it comes.
        let name = result.checker.escape_debug();
        let _ = write!(why, " {name}");
    }
    why
}

async fn tell(mut stream: TcpStream, line: &str) -> std::io::Result<()> {
    stream.write_all(line.as_bytes()).await?;
    stream.shutdown().await?;
    // What the other side has sent is read: a close with unread bytes would reset the connection, and lose the line.
    let mut rest = [0; 256];
    while stream.read(&mut rest).await? > 0 {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use healthcheck::{Check, HealthCheckBuilder, Outcome};

    use super::*;

    async fn told(checks: impl IntoIterator<Item = Check>, act: impl FnOnce(&HealthCheck)) -> String {
        let builder = checks
            .into_iter()
            .fold(HealthCheck::builder().discover(false), HealthCheckBuilder::check);
        let health = builder.build().unwrap();
        act(&health);
        let report = health.report_for(&Selection::readiness()).await.unwrap();
        line(
            &report,
            health.is_draining(),
            health.maintenance_reason().is_some(),
        )
    }

    #[tokio::test]
    async fn each_state_has_its_line_and_takes_the_others_back() {
        let passes = || Check::new("a", async || true);
        let warns = || Check::new("b", async || Outcome::warn("hm"));
        let fails = || Check::new("c d", async || false);
        assert_eq!(told([passes()], |_| {}).await, "up ready 100%\n");
        assert_eq!(told([passes(), warns()], |_| {}).await, "75% up ready\n");
        assert_eq!(told([passes(), fails()], |_| {}).await, "down ready # c d\n");
        assert_eq!(told([passes()], HealthCheck::begin_shutdown).await, "drain\n");
        assert_eq!(
            told([fails()], |health| health.maintenance("disks")).await,
            "maint\n"
        );
    }

    #[tokio::test]
    async fn no_name_breaks_the_line_or_makes_it_endless() {
        let line = told(
            (0..1_000).map(|number| Check::new(format!("{number}\u{2028}é"), async || false)),
            |_| {},
        )
        .await;
        assert!(line.len() < 300 && line.matches('\n').count() == 1, "{line}");
        assert!(line.ends_with(" and others\n"), "{line}");
    }

    #[tokio::test]
    async fn whoever_connects_is_told_once() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let health = HealthCheck::builder().discover(false).build().unwrap();
        let agent = Agent {
            listener,
            selection: Selection::readiness(),
            budget: None,
        };
        tokio::spawn(answer(agent, health));
        for _ in 0..100 {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(b"agent-send string\n").await.unwrap();
            let mut line = String::new();
            stream.read_to_string(&mut line).await.unwrap();
            assert_eq!(line, "up ready 100%\n");
        }
    }
}
