use std::collections::VecDeque;
use std::sync::Mutex;

use axum::Router;
use healthcheck::HealthCheck;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
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

async fn accept_for(span: Duration, script: &Script, site: &Site, places: &mut Places<DuplexStream>) {
    timeout(span, accept(script, site, places))
        .await
        .expect_err("accepting has no end of its own");
}

const MOMENT: Duration = Duration::from_secs(1);
const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
/// The beginning of [`GET`].
const BEGUN: &[u8] = b"GET / HTTP/1.1\r\n";
const REST: &[u8] = b"Host: x\r\n\r\n";

/// A server with two places, and time that its clients have one after another.
struct Crowded {
    script: Script,
    site: Site,
    places: Places<DuplexStream>,
    _open: watch::Sender<bool>,
}

impl Crowded {
    fn new() -> Self {
        let (site, open) = site(2);
        Self {
            script: Script(Mutex::default()),
            site,
            places: Places::new(),
            _open: open,
        }
    }

    /// Somebody connects and sends this.
    async fn client(&mut self, sent: &[u8], takes: usize) -> DuplexStream {
        let (mut client, io) = tokio::io::duplex(takes);
        client.write_all(sent).await.unwrap();
        self.script.0.lock().unwrap().push_back(Ok(io));
        self.go_on().await;
        client
    }

    async fn go_on(&mut self) {
        accept_for(MOMENT, &self.script, &self.site, &mut self.places).await;
    }
}

/// What comes now, and whether it is the end.
async fn read(client: &mut DuplexStream) -> (String, bool) {
    let mut text = Vec::new();
    let ended = timeout(Duration::ZERO, client.read_to_end(&mut text))
        .await
        .is_ok();
    (String::from_utf8(text).unwrap(), ended)
}

#[tokio::test(start_paused = true)]
async fn beyond_the_limit_connections_wait_until_one_ends() {
    let mut it = Crowded::new();
    let first = it.client(BEGUN, 1024).await;
    let mut second = it.client(BEGUN, 1024).await;
    let mut third = it.client(GET, 1024).await;
    let _fourth = it.client(GET, 1024).await;
    assert_eq!(
        (it.places.len(), it.script.left()),
        (2, 1),
        "one is held, the rest waits outside"
    );
    assert_eq!(read(&mut third).await, (String::new(), false));
    drop(first);
    it.go_on().await;
    assert!(read(&mut third).await.0.starts_with("HTTP/1.1 404"));
    assert_eq!(
        read(&mut second).await,
        (String::new(), false),
        "in the middle of its request"
    );
}

#[tokio::test(start_paused = true)]
async fn where_all_places_are_taken_the_one_that_stood_idle_longest_makes_room() {
    let mut it = Crowded::new();
    let mut silent = it.client(b"", 1024).await;
    let mut asked = it.client(GET, 1024).await;
    let mut next = it.client(GET, 1024).await;
    assert!(read(&mut next).await.0.starts_with("HTTP/1.1 404"));
    assert_eq!(
        read(&mut silent).await,
        (String::new(), true),
        "it never sent anything"
    );
    let (answer, ended) = read(&mut asked).await;
    assert!(answer.starts_with("HTTP/1.1 404") && !ended);
    // Who is used stays, who was idle meanwhile goes.
    asked.write_all(GET).await.unwrap();
    it.go_on().await;
    let mut last = it.client(GET, 1024).await;
    assert!(read(&mut last).await.0.starts_with("HTTP/1.1 404"));
    assert!(read(&mut next).await.1);
    assert!(!read(&mut asked).await.1);
    assert_eq!(it.places.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_becomes_idle_makes_room_for_one_that_waits() {
    let mut it = Crowded::new();
    let mut first = it.client(BEGUN, 1024).await;
    let _second = it.client(BEGUN, 1024).await;
    let mut third = it.client(GET, 1024).await;
    assert!(it.places.are_waited_for());
    first.write_all(REST).await.unwrap();
    it.go_on().await;
    let (answer, ended) = read(&mut first).await;
    assert!(
        answer.starts_with("HTTP/1.1 404") && ended,
        "the whole answer first"
    );
    assert!(read(&mut third).await.0.starts_with("HTTP/1.1 404"));
}

#[tokio::test(start_paused = true)]
async fn a_connection_whose_answer_is_not_through_keeps_its_place() {
    let mut it = Crowded::new();
    // It doesn't read, and has room for a part of the answer.
    let mut slow = it.client(GET, 48).await;
    let _second = it.client(BEGUN, 1024).await;
    let mut third = it.client(GET, 1024).await;
    assert_eq!(read(&mut third).await, (String::new(), false));
    let mut text = [0; 48];
    slow.read_exact(&mut text).await.unwrap();
    it.go_on().await;
    assert!(read(&mut slow).await.0.ends_with("\r\n\r\n"), "now it is");
    it.go_on().await;
    assert!(read(&mut third).await.0.starts_with("HTTP/1.1 404"));
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
    let mut places = Places::new();

    accept_for(Duration::from_millis(450), &script, &site, &mut places).await;
    assert_eq!(places.len(), 1, "the open one is kept");
    accept_for(Duration::from_millis(600), &script, &site, &mut places).await;
    assert_eq!(places.len(), 2, "accepted within 100 ms of a free file");
    assert_eq!(log.count("can't accept connections"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_ends_lets_the_next_one_in_at_once() {
    let (site, close) = site(10);
    let (_first, a) = tokio::io::duplex(64);
    let (_second, b) = tokio::io::duplex(64);
    let script = Script(Mutex::new([Ok(a), Err(no_free_file()), Ok(b)].into()));
    let mut places = Places::new();

    close.send_replace(true);
    accept_for(Duration::from_millis(1), &script, &site, &mut places).await;
    assert_eq!(script.left(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_went_away_before_it_was_accepted_costs_nothing() {
    let log = Log::start();
    let (site, _open) = site(10);
    let (_client, a) = tokio::io::duplex(64);
    let gone = io::Error::from(io::ErrorKind::ConnectionAborted);
    let script = Script(Mutex::new([Err(gone), Ok(a)].into()));
    let mut places = Places::new();

    accept_for(Duration::from_millis(1), &script, &site, &mut places).await;
    assert_eq!(places.len(), 1);
    assert_eq!(log.count("can't accept connections"), 0);
}
