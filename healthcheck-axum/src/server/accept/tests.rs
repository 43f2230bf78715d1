use std::collections::VecDeque;
use std::sync::Mutex;

use axum::Router;
use healthcheck::HealthCheck;
use hyper_util::service::TowerToHyperService;
use tokio::io::DuplexStream;
use tokio::sync::watch;
use tokio::time::timeout;

use super::super::limits::Limits;
use super::*;
use crate::test_log::Log;

/// Gives what it was told to give, then nothing more.
struct Script(Mutex<VecDeque<io::Result<DuplexStream>>>);

impl Listener for Script {
    type Io = DuplexStream;

    async fn accept(&self) -> io::Result<(DuplexStream, SocketAddr)> {
        let next = self.0.lock().unwrap().pop_front();
        match next {
            Some(given) => given.map(|io| (io, SocketAddr::from(([192, 0, 2, 7], 4711)))),
            None => std::future::pending().await,
        }
    }
}

impl Script {
    fn left(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

fn site(connections: usize) -> (Site, watch::Sender<bool>) {
    let (close, closing) = watch::channel(false);
    let site = Site {
        router: TowerToHyperService::new(Router::new()),
        shortcut: None,
        health: HealthCheck::builder().discover(false).build().unwrap(),
        limits: Limits {
            connections,
            ..Limits::default()
        },
        closing,
    };
    (site, close)
}

/// `EMFILE`, which is 24 everywhere.
fn no_free_file() -> io::Error {
    io::Error::from_raw_os_error(24)
}

async fn accept_for(span: Duration, script: &Script, site: &Site, connections: &mut JoinSet<()>) {
    timeout(span, accept(script, site, connections))
        .await
        .expect_err("accepting has no end of its own");
}

#[tokio::test(start_paused = true)]
async fn beyond_the_limit_connections_wait_until_one_ends() {
    let (site, _open) = site(2);
    let (first, a) = tokio::io::duplex(64);
    let (_second, b) = tokio::io::duplex(64);
    let (_third, c) = tokio::io::duplex(64);
    let script = Script(Mutex::new([Ok(a), Ok(b), Ok(c)].into()));
    let mut connections = JoinSet::new();

    accept_for(Duration::from_secs(1), &script, &site, &mut connections).await;
    assert_eq!((connections.len(), script.left()), (2, 1));
    drop(first);
    accept_for(Duration::from_secs(1), &script, &site, &mut connections).await;
    assert_eq!((connections.len(), script.left()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn without_a_free_file_it_logs_once_keeps_connections_and_accepts_again() {
    let log = Log::start();
    let (site, _open) = site(10);
    let (_first, a) = tokio::io::duplex(64);
    let (_second, b) = tokio::io::duplex(64);
    let mut given: VecDeque<_> = [Ok(a)].into();
    given.extend((0..5).map(|_| Err(no_free_file())));
    given.push_back(Ok(b));
    let script = Script(Mutex::new(given));
    let mut connections = JoinSet::new();

    accept_for(Duration::from_millis(450), &script, &site, &mut connections).await;
    assert_eq!(connections.len(), 1, "the open one is kept");
    accept_for(Duration::from_millis(600), &script, &site, &mut connections).await;
    assert_eq!(connections.len(), 2, "accepted within 100 ms of a free file");
    assert_eq!(log.count("can't accept connections"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_ends_lets_the_next_one_in_at_once() {
    let (site, close) = site(10);
    let (_first, a) = tokio::io::duplex(64);
    let (_second, b) = tokio::io::duplex(64);
    let script = Script(Mutex::new([Ok(a), Err(no_free_file()), Ok(b)].into()));
    let mut connections = JoinSet::new();

    close.send_replace(true);
    accept_for(Duration::from_millis(1), &script, &site, &mut connections).await;
    assert_eq!(script.left(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_went_away_before_it_was_accepted_costs_nothing() {
    let log = Log::start();
    let (site, _open) = site(10);
    let (_client, a) = tokio::io::duplex(64);
    let gone = io::Error::from(io::ErrorKind::ConnectionAborted);
    let script = Script(Mutex::new([Err(gone), Ok(a)].into()));
    let mut connections = JoinSet::new();

    accept_for(Duration::from_millis(1), &script, &site, &mut connections).await;
    assert_eq!(connections.len(), 1);
    assert_eq!(log.count("can't accept connections"), 0);
}
