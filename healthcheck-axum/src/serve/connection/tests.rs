use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::*;
use crate::serve::test_service::service;

const PEER: &str = "192.0.2.7:4711";

/// A connection under test: the client's end of it, and the task that serves it.
struct Opened {
    client: DuplexStream,
    task: JoinHandle<()>,
    capacity: Arc<CapacitySignal>,
    phase: Arc<ConnectionPhase>,
}

fn open() -> Opened {
    open_within(Limits::default())
}

fn open_within(limits: Limits) -> Opened {
    let router = Router::new()
        .route(
            "/peer",
            get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.to_string() }),
        )
        // The answer of `/large` is longer than the pipe's buffer.
        .route("/large", get(async || "x".repeat(4_096)))
        .route(
            "/slow",
            get(async || {
                tokio::time::sleep(Duration::from_secs(300)).await;
                "at last"
            }),
        );
    let context = ConnectionContext {
        service: service(router),
        limits,
        capacity: Arc::default(),
    };
    let capacity = Arc::clone(&context.capacity);
    let (client, io) = tokio::io::duplex(1024);
    let phase = Arc::new(ConnectionPhase::new(context.limits));
    let task = tokio::spawn(serve(io, PEER.parse().unwrap(), context, Arc::clone(&phase)));
    Opened {
        client,
        task,
        capacity,
        phase,
    }
}

impl Opened {
    /// Tells the connection that the server is shutting down.
    fn close(&self) {
        self.capacity.close();
        self.phase.wake();
    }

    async fn send(&mut self, text: &str) {
        self.client.write_all(text.as_bytes()).await.unwrap();
    }

    /// Reads one answer of the server, and returns its head and body.
    async fn answer(&mut self) -> String {
        let mut text = String::new();
        let mut buffer = [0; 1024];
        loop {
            let count = self.client.read(&mut buffer).await.unwrap();
            assert!(count > 0, "the connection ended after: {text:?}");
            text.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
            let Some((head, body)) = text.split_once("\r\n\r\n") else {
                continue;
            };
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            if length.is_some_and(|length| body.len() >= length.parse().unwrap()) {
                return text;
            }
        }
    }

    /// Waits until the server closes the connection, and returns how many seconds that took.
    async fn closed_after(&mut self) -> u64 {
        let began = Instant::now();
        let mut rest = Vec::new();
        timeout(Duration::from_secs(3_600), self.client.read_to_end(&mut rest))
            .await
            .expect("it is closed within an hour")
            .unwrap();
        began.elapsed().as_secs()
    }
}

const GET_PEER: &str = "GET /peer HTTP/1.1\r\nHost: x\r\n\r\n";

#[tokio::test(start_paused = true)]
async fn the_peer_is_known_to_extractors() {
    let mut it = open();
    it.send(GET_PEER).await;
    assert!(it.answer().await.ends_with(PEER));
}

#[tokio::test(start_paused = true)]
async fn a_connection_on_which_nothing_comes_is_closed_after_ten_seconds() {
    assert_eq!(open().closed_after().await, 10);
}

#[tokio::test(start_paused = true)]
async fn a_head_that_comes_in_drops_is_cut_ten_seconds_after_the_connection() {
    let mut it = open();
    let began = Instant::now();
    for byte in GET_PEER.bytes() {
        if it.client.write_all(&[byte]).await.is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(it.closed_after().await, 0);
    let took = began.elapsed().as_secs();
    assert!((10..=11).contains(&took), "closed after {took} s");
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_kept_for_75_seconds_after_each_answer() {
    let mut it = open();
    for _ in 0..3 {
        it.send(GET_PEER).await;
        it.answer().await;
        tokio::time::sleep(Duration::from_secs(74)).await;
    }
    it.send(GET_PEER).await;
    it.answer().await;
    assert_eq!(it.closed_after().await, 75);
}

#[tokio::test(start_paused = true)]
async fn the_head_of_a_later_request_has_ten_seconds_from_its_first_byte() {
    let mut it = open();
    it.send(GET_PEER).await;
    it.answer().await;
    tokio::time::sleep(Duration::from_secs(70)).await;
    it.send("GET /peer HT").await;
    assert_eq!(it.closed_after().await, 10);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_being_answered_is_not_cut() {
    let mut it = open();
    it.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(it.answer().await.ends_with("at last"));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_has_said_all_it_has_to_say_is_answered_and_closed() {
    let mut it = open();
    it.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").await;
    it.client.shutdown().await.unwrap();
    assert!(it.answer().await.ends_with("at last"));
    assert_eq!(it.closed_after().await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_has_left_keeps_no_place_where_an_answer_may_take_for_ever() {
    let mut it = open_within(Limits {
        half_closed: false,
        ..Limits::default()
    });
    it.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    it.client.shutdown().await.unwrap();
    timeout(Duration::from_secs(1), it.task).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn at_the_end_a_request_that_has_come_and_was_not_read_is_answered() {
    let mut it = open();
    // The request arrives before the task that serves the connection runs for the first time.
    it.send(GET_PEER).await;
    it.close();
    assert!(it.answer().await.ends_with(PEER));
    assert_eq!(it.closed_after().await, 0);
    // On a second connection the server answers a first request. The next request arrives while this connection is
    // idle.
    let mut it = open();
    it.send(GET_PEER).await;
    it.answer().await;
    it.send(GET_PEER).await;
    it.close();
    assert!(it.answer().await.ends_with(PEER));
    assert_eq!(it.closed_after().await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_nothing_of_its_answer_is_closed_after_ten_seconds() {
    let mut it = open();
    let began = Instant::now();
    // The answers to these 20 requests are together longer than the pipe's buffer, and the client reads no answer.
    for _ in 0..20 {
        it.send(GET_PEER).await;
    }
    timeout(Duration::from_secs(3_600), &mut it.task)
        .await
        .expect("it is closed within an hour")
        .unwrap();
    assert_eq!(began.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_its_answer_slowly_has_all_of_it_and_is_kept_as_any_other() {
    let mut it = open();
    for _ in 0..20 {
        it.send(GET_PEER).await;
    }
    let mut text = String::new();
    let mut buffer = [0; 512];
    while text.matches(PEER).count() < 20 {
        tokio::time::sleep(Duration::from_secs(9)).await;
        let count = it.client.read(&mut buffer).await.unwrap();
        assert!(count > 0, "the connection ended after: {text:?}");
        text.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
    }
    tokio::time::sleep(Duration::from_secs(40)).await;
    it.send(GET_PEER).await;
    assert!(it.answer().await.ends_with(PEER));
}

#[tokio::test(start_paused = true)]
async fn a_half_head_behind_a_request_has_ten_seconds() {
    let mut it = open();
    it.send(&format!("{GET_PEER}GET /peer HTTP/1.1\r\nHost:")).await;
    it.answer().await;
    assert_eq!(it.closed_after().await, 10);
}

#[tokio::test(start_paused = true)]
async fn requests_that_come_together_are_answered_one_after_another() {
    let mut it = open();
    it.send(&GET_PEER.repeat(3)).await;
    let mut text = String::new();
    while text.matches(PEER).count() < 3 {
        text.push_str(&it.answer().await);
    }
    assert_eq!(text.matches("HTTP/1.1 200").count(), 3);
}

/// Sends a request whose head has this many bytes, and returns the answer.
async fn answered_to_a_head_of(bytes: usize) -> String {
    let it = open();
    let (mut read, mut write) = tokio::io::split(it.client);
    let [start, end] = ["GET /peer HTTP/1.1\r\nHost: x\r\nX-Long: ", "\r\n\r\n"];
    let head = format!("{start}{}{end}", "x".repeat(bytes - start.len() - end.len()));
    assert_eq!(head.len(), bytes);
    let sent = tokio::spawn(async move {
        let _ = write.write_all(head.as_bytes()).await;
        let _ = write.shutdown().await;
    });
    let mut answer = String::new();
    read.read_to_string(&mut answer).await.unwrap();
    sent.await.unwrap();
    answer
}

#[tokio::test(start_paused = true)]
async fn a_head_of_16_kib_is_read_and_a_longer_one_is_431() {
    let answer = answered_to_a_head_of(16 * 1024).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    for bytes in [16 * 1024 + 1, 80 * 1024] {
        let answer = answered_to_a_head_of(bytes).await;
        assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
        assert!(answer.contains("longer than 16 KiB"), "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_on_sending_after_its_refusal_is_left_within_a_second() {
    let mut it = open();
    it.send("\0").await;
    let began = Instant::now();
    while it.client.write_all(b"more").await.is_ok() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(
        began.elapsed() <= Duration::from_millis(1_200),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn at_the_end_a_connection_without_a_request_is_closed_at_once() {
    let mut new = open();
    let mut idle = open();
    idle.send(GET_PEER).await;
    idle.answer().await;
    new.close();
    idle.close();
    assert_eq!(new.closed_after().await, 0);
    assert_eq!(idle.closed_after().await, 0);
}

#[tokio::test(start_paused = true)]
async fn at_the_end_a_request_in_flight_is_answered_and_its_connection_closed() {
    let mut it = open();
    it.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    it.close();
    assert!(it.answer().await.ends_with("at last"));
    assert_eq!(it.closed_after().await, 0);
}

#[tokio::test(start_paused = true)]
async fn at_the_end_an_answer_that_is_on_its_way_is_sent_to_its_end() {
    let mut it = open();
    it.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n").await;
    // During this second the server fills the pipe. The server holds the rest of the answer in its buffer.
    tokio::time::sleep(Duration::from_secs(1)).await;
    it.close();
    assert!(it.answer().await.ends_with(&"x".repeat(4_096)));
    assert_eq!(it.closed_after().await, 0);
}

#[tokio::test(start_paused = true)]
async fn at_the_end_a_head_that_is_on_its_way_is_still_answered() {
    let mut it = open();
    it.send("GET /peer HTTP/1.1\r\n").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    it.close();
    tokio::time::sleep(Duration::from_secs(1)).await;
    it.send("Host: x\r\n\r\n").await;
    assert!(it.answer().await.starts_with("HTTP/1.1 200"));
    assert_eq!(it.closed_after().await, 0);
}

#[test]
fn a_host_has_letters_digits_and_the_marks_of_the_rfc() {
    for byte in 0..=u8::MAX {
        let is_mark = b"-._~%!$&'()*+,;=:[]".contains(&byte);
        assert_eq!(
            is_of_host(byte),
            is_mark || byte.is_ascii_alphanumeric(),
            "{byte}"
        );
    }
}
