use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::timeout;

use super::super::limits::Limits;
use super::*;
use crate::serve::test_service::service;
use crate::test_log::Log;

/// A listener whose `accept` returns these results in order. After the last result `accept` waits forever.
#[derive(Default)]
struct Script(Mutex<VecDeque<io::Result<DuplexStream>>>);

impl Accept for Script {
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
    fn of(given: impl IntoIterator<Item = io::Result<DuplexStream>>) -> Self {
        Self(Mutex::new(given.into_iter().collect()))
    }

    fn left(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

fn context(connections: usize) -> ConnectionContext {
    ConnectionContext {
        service: service(Router::new()),
        limits: Limits {
            connections,
            ..Limits::default()
        },
        capacity: Arc::default(),
    }
}

/// Returns the error `EMFILE` (no file descriptor is free), which is 24 on every Unix.
fn no_free_file() -> io::Error {
    io::Error::from_raw_os_error(24)
}

async fn accept_for(span: Duration, script: &Script, context: &ConnectionContext, places: &mut Places) {
    timeout(span, accept(script, context, places))
        .await
        .expect_err("accepting has no end of its own");
}

const MOMENT: Duration = Duration::from_secs(1);
const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
/// The first line of the request [`GET`].
const BEGUN: &[u8] = b"GET / HTTP/1.1\r\n";
const REST: &[u8] = b"Host: x\r\n\r\n";

/// A server that may have two connections. After each client has connected, the server runs for [`MOMENT`].
struct Crowded {
    script: Script,
    context: ConnectionContext,
    places: Places,
}

impl Crowded {
    fn new() -> Self {
        Self {
            script: Script::default(),
            context: context(2),
            places: Places::new(),
        }
    }

    /// Connects a client that sends the bytes `sent`, and lets the server run. Returns the client's end of the
    /// connection. The pipe between client and server holds at most `takes` bytes in each direction.
    async fn client(&mut self, sent: &[u8], takes: usize) -> DuplexStream {
        let (mut client, io) = tokio::io::duplex(takes);
        client.write_all(sent).await.unwrap();
        self.script.0.lock().unwrap().push_back(Ok(io));
        self.go_on().await;
        client
    }

    async fn go_on(&mut self) {
        accept_for(MOMENT, &self.script, &self.context, &mut self.places).await;
    }
}

/// Returns the bytes that the client can read now, and whether the server has closed the connection.
async fn read(client: &mut DuplexStream) -> (String, bool) {
    let mut text = Vec::new();
    let ended = timeout(Duration::ZERO, client.read_to_end(&mut text))
        .await
        .is_ok();
    (String::from_utf8(text).unwrap(), ended)
}

fn is_open(read: &(String, bool)) -> bool {
    *read == (String::new(), false)
}

fn is_closed(read: &(String, bool)) -> bool {
    *read == (String::new(), true)
}

fn is_answered(read: &(String, bool)) -> bool {
    read.0.starts_with("HTTP/1.1 404")
}

#[tokio::test(start_paused = true)]
async fn where_no_connection_is_idle_the_oldest_unfinished_head_makes_room() {
    let mut it = Crowded::new();
    let mut first = it.client(BEGUN, 1024).await;
    let mut second = it.client(BEGUN, 1024).await;
    let mut third = it.client(GET, 1024).await;
    assert!(is_answered(&read(&mut third).await));
    assert!(is_closed(&read(&mut first).await));
    assert!(is_open(&read(&mut second).await));
    second.write_all(REST).await.unwrap();
    it.go_on().await;
    assert!(is_answered(&read(&mut second).await));
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_makes_room_before_an_unfinished_head() {
    let mut it = Crowded::new();
    let mut begun = it.client(BEGUN, 1024).await;
    let mut idle = it.client(GET, 1024).await;
    assert!(is_answered(&read(&mut idle).await));
    let mut next = it.client(GET, 1024).await;
    assert!(is_answered(&read(&mut next).await));
    assert!(is_closed(&read(&mut idle).await));
    assert!(is_open(&read(&mut begun).await));
}

#[tokio::test(start_paused = true)]
async fn where_all_places_are_taken_the_one_that_stood_idle_longest_makes_room() {
    let mut it = Crowded::new();
    let mut silent = it.client(b"", 1024).await;
    it.go_on().await;
    let mut asked = it.client(GET, 1024).await;
    let mut next = it.client(GET, 1024).await;
    assert!(is_answered(&read(&mut next).await));
    assert!(is_closed(&read(&mut silent).await), "it never sent anything");
    let (answer, ended) = read(&mut asked).await;
    assert!(answer.starts_with("HTTP/1.1 404") && !ended);
    // The client `asked` sends a second request. From now on, the connection of `next` has been idle for longest. When
    // `last` connects, the server closes the connection of `next` to make room.
    asked.write_all(GET).await.unwrap();
    it.go_on().await;
    let mut last = it.client(GET, 1024).await;
    assert!(is_answered(&read(&mut last).await));
    assert!(read(&mut next).await.1);
    assert!(!read(&mut asked).await.1);
    assert_eq!(it.places.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_connection_of_this_moment_is_not_idle_since_its_request_may_be_on_its_way() {
    let mut it = Crowded::new();
    let mut begun = it.client(BEGUN, 1024).await;
    let second = it.client(BEGUN, 1024).await;
    drop(second);
    it.go_on().await;
    // The clients `slow` and `next` connect at the same moment, and `slow` hasn't sent anything yet.
    let (mut slow, io) = tokio::io::duplex(1024);
    let (mut next, other) = tokio::io::duplex(1024);
    next.write_all(GET).await.unwrap();
    it.script.0.lock().unwrap().extend([Ok(io), Ok(other)]);
    it.go_on().await;
    assert!(is_answered(&read(&mut next).await));
    assert!(is_closed(&read(&mut begun).await));
    slow.write_all(GET).await.unwrap();
    it.go_on().await;
    assert!(is_answered(&read(&mut slow).await));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_taken_makes_room_last() {
    let mut it = Crowded::new();
    // The client `slow` doesn't read its answer. The pipe to `slow` holds only 48 bytes of the answer.
    let mut slow = it.client(GET, 48).await;
    let mut begun = it.client(BEGUN, 1024).await;
    let mut third = it.client(GET, 1024).await;
    assert!(is_answered(&read(&mut third).await));
    assert!(is_closed(&read(&mut begun).await));
    let mut next = it.client(GET, 1024).await;
    assert!(is_answered(&read(&mut next).await));
    assert!(is_closed(&read(&mut third).await));
    let _begun = it.client(BEGUN, 1024).await;
    let _begun = it.client(BEGUN, 1024).await;
    let (part, ended) = read(&mut slow).await;
    assert!(!ended && part.len() == 48, "{part}");
}

#[tokio::test(start_paused = true)]
async fn a_part_of_the_places_is_made_free_at_once_so_that_a_flood_of_clients_costs_little() {
    let context = context(64);
    let (mut clients, ios): (Vec<_>, Vec<_>) = (0..64).map(|_| tokio::io::duplex(1024)).unzip();
    for client in &mut clients {
        client.write_all(BEGUN).await.unwrap();
    }
    let mut places = Places::new();
    accept_for(
        MOMENT,
        &Script::of(ios.into_iter().map(Ok)),
        &context,
        &mut places,
    )
    .await;
    assert_eq!(places.len(), 64);
    places.make_room(false);
    // `make_room` has asked four connections to end. All four end during this sleep, before the test calls `ended`. The
    // test checks that one call of `ended` removes all four.
    tokio::time::sleep(MOMENT).await;
    places.ended().await;
    assert_eq!(places.len(), 60);
}

#[tokio::test(start_paused = true)]
async fn while_every_place_is_taken_a_connection_ends_with_its_answer() {
    let mut it = Crowded::new();
    it.context.capacity.set_full(true);
    let (mut client, io) = tokio::io::duplex(1024);
    client.write_all(GET).await.unwrap();
    it.places
        .seat(io, SocketAddr::from(([192, 0, 2, 7], 4711)), &it.context);
    timeout(MOMENT, it.places.ended()).await.expect("it ends");
    let (answer, ended) = read(&mut client).await;
    assert!(answer.starts_with("HTTP/1.1 404") && ended);
    assert!(answer.contains("connection: close"), "and says so: {answer}");
}

#[tokio::test(start_paused = true)]
async fn without_a_free_file_it_logs_once_a_minute_and_serves_the_next_with_the_spare_one() {
    let log = Log::start();
    let context = context(10);
    let (_client, io) = tokio::io::duplex(64);
    let script = Script::of([Err(no_free_file()), Ok(io)]);
    let mut places = Places::new();
    accept_for(Duration::from_millis(1), &script, &context, &mut places).await;
    assert_eq!(places.len(), 1, "at once");

    let script = Script::of((0..100).map(|_| Err(no_free_file())));
    accept_for(Duration::from_secs(50), &script, &context, &mut places).await;
    assert_eq!(log.count("can't accept connections"), 1);
    let script = Script::of([Err(no_free_file())]);
    accept_for(Duration::from_secs(20), &script, &context, &mut places).await;
    assert_eq!(log.count("can't accept connections"), 1);
    let script = Script::of([Err(no_free_file())]);
    accept_for(MOMENT, &script, &context, &mut places).await;
    assert_eq!(log.count("can't accept connections"), 2);
}

#[tokio::test(start_paused = true)]
async fn without_a_free_file_idle_connections_are_closed_at_once() {
    let context = context(10);
    let (mut clients, ios): (Vec<_>, Vec<_>) = (0..5).map(|_| tokio::io::duplex(1024)).unzip();
    for client in &mut clients {
        client.write_all(GET).await.unwrap();
    }
    let mut places = Places::new();
    let script = Script::of(ios.into_iter().map(Ok));
    accept_for(MOMENT, &script, &context, &mut places).await;
    assert_eq!(places.len(), 5);
    let script = Script::of([Err(no_free_file())]);
    accept_for(Duration::from_millis(1), &script, &context, &mut places).await;
    for client in &mut clients {
        let (answer, ended) = read(client).await;
        assert!(answer.starts_with("HTTP/1.1 404") && ended);
    }
}

#[tokio::test(start_paused = true)]
async fn another_failure_to_accept_closes_no_connection() {
    let context = context(10);
    let (mut client, io) = tokio::io::duplex(1024);
    client.write_all(GET).await.unwrap();
    let mut places = Places::new();
    let refused = || io::Error::from(io::ErrorKind::PermissionDenied);
    let script = Script::of([Ok(io), Err(refused()), Err(refused())]);
    accept_for(MOMENT, &script, &context, &mut places).await;
    assert_eq!((places.len(), script.left()), (1, 0), "and it is tried again");
    let (answer, ended) = read(&mut client).await;
    assert!(answer.starts_with("HTTP/1.1 404") && !ended);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_went_away_before_it_was_accepted_costs_nothing() {
    let log = Log::start();
    let (_client, a) = tokio::io::duplex(64);
    let gone = io::Error::from(io::ErrorKind::ConnectionAborted);
    let script = Script::of([Err(gone), Ok(a)]);
    let mut places = Places::new();

    accept_for(Duration::from_millis(1), &script, &context(10), &mut places).await;
    assert_eq!(places.len(), 1);
    assert_eq!(log.count("can't accept connections"), 0);
    assert_eq!(script.left(), 0);
}
