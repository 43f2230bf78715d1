//! Tests the server over real sockets, with more clients than the server can serve at the same time and with clients
//! that misbehave.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, mpsc};

use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::tests::{SOON, ask, listen, no_checks, server};
use super::*;
use axum::Router;

const PLACES: usize = 64;
/// The number of clients that don't read their answer. For each such client the server keeps an answer of 16 MiB in
/// memory.
const DEAF: usize = 32;
/// How long an attacking client waits before it opens a new connection in place of one that the server has closed.
const REOPENED: Duration = Duration::from_millis(20);
const SECOND: Duration = Duration::from_secs(1);

async fn crowded(
    places: usize,
    router: Router,
) -> (SocketAddr, tokio::task::JoinHandle<Result<(), ServeError>>) {
    let (listener, addr) = listen().await;
    let mut server = server(&no_checks(), router);
    server.limits.connections = places;
    let serving = tokio::spawn(server.run(listener.into(), std::future::pending()));
    (addr, serving)
}

/// Opens `count` connections and sends the bytes `sent` on each. Opens a new connection for each one that the server
/// closes, until the returned set is dropped.
fn besiege(addr: SocketAddr, count: usize, sent: &'static [u8]) -> JoinSet<()> {
    (0..count)
        .map(|_| async move {
            loop {
                let Ok(mut stream) = TcpStream::connect(addr).await else {
                    continue;
                };
                let _ = stream.write_all(sent).await;
                let mut rest = [0; 64];
                while stream.read(&mut rest).await.is_ok_and(|count| count > 0) {}
                // Without this pause, the attacking clients would use up the local ports within seconds. The kernel
                // would then delay each attempt to connect by 1 s.
                sleep(REOPENED).await;
            }
        })
        .collect()
}

async fn is_answered_within_a_second(addr: SocketAddr) {
    // The client that sends the probes runs on its own thread. If it ran on this runtime, the attacking clients would
    // delay it.
    let probing = tokio::task::spawn_blocking(move || {
        for _ in 0..20 {
            let began = Instant::now();
            let mut stream = std::net::TcpStream::connect(addr).unwrap();
            stream.set_read_timeout(Some(SECOND)).unwrap();
            let request = b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
            stream.write_all(request).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            assert!(answer.ends_with("success"), "{answer}");
            assert!(began.elapsed() < SECOND, "{:?}", began.elapsed());
        }
    });
    probing.await.unwrap();
}

#[tokio::test]
async fn one_byte_on_each_of_as_many_connections_as_there_are_places_keeps_no_probe_out() {
    let (addr, serving) = crowded(PLACES, Router::new()).await;
    let siege = besiege(addr, PLACES + 8, b"G");
    is_answered_within_a_second(addr).await;
    drop(siege);
    serving.abort();
}

#[tokio::test]
async fn connections_that_take_every_place_and_ask_nothing_keep_no_probe_out() {
    let (addr, serving) = crowded(PLACES, Router::new()).await;
    let siege = besiege(addr, 2 * PLACES, b"");
    is_answered_within_a_second(addr).await;
    drop(siege);
    serving.abort();
}

#[tokio::test]
async fn clients_that_take_nothing_of_their_answers_keep_no_probe_out() {
    let large = get(async || "x".repeat(16 * 1024 * 1024));
    let (addr, serving) = crowded(DEAF, Router::new().route("/large", large)).await;
    let mut deaf = Vec::new();
    for _ in 0..DEAF {
        let mut client = TcpStream::connect(addr).await.unwrap();
        client
            .write_all(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
            .await
            .unwrap();
        // Waits until the client has received the first byte of the answer.
        client.peek(&mut [0; 1]).await.unwrap();
        deaf.push(client);
    }
    is_answered_within_a_second(addr).await;
    serving.abort();
}

#[tokio::test]
async fn a_request_that_has_come_is_answered_however_many_come_with_it_and_though_a_place_is_wanted() {
    const KEPT: usize = 100;
    let (listener, addr) = listen().await;
    let (entered, inside) = (Arc::new(Notify::new()), mpsc::channel::<()>());
    let (leave, left) = (inside.0, Arc::new(Mutex::new(inside.1)));
    // The handler of `/hold` blocks the server's thread. While the thread is blocked, the test sends many requests.
    // When the handler returns, the server finds all of these requests at the same time.
    let router = Router::new().route(
        "/hold",
        get({
            let entered = Arc::clone(&entered);
            async move || {
                entered.notify_one();
                let _ = left.lock().map(|left| left.recv());
                "held"
            }
        }),
    );
    let mut server = server(&no_checks(), router);
    server.limits.connections = KEPT + 1;
    let serving = tokio::spawn(server.run(listener.into(), std::future::pending()));
    let request = b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut buffer = [0; 1024];
    let mut kept = Vec::new();
    for _ in 0..KEPT {
        let mut client = TcpStream::connect(addr).await.unwrap();
        client.write_all(request).await.unwrap();
        assert!(client.read(&mut buffer).await.unwrap() > 0);
        kept.push(client);
    }
    let mut holder = TcpStream::connect(addr).await.unwrap();
    holder
        .write_all(b"GET /hold HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    timeout(SOON, entered.notified()).await.unwrap();
    // The clients send their requests in reverse order: the client whose connection has been idle for longest sends
    // last.
    for client in kept.iter_mut().rev() {
        client.write_all(request).await.unwrap();
    }
    let next = tokio::spawn(ask(addr, "/readyz"));
    let _other = TcpStream::connect(addr).await.unwrap();
    leave.send(()).unwrap();
    let mut unanswered = 0;
    for client in &mut kept {
        let count = timeout(SOON, client.read(&mut buffer))
            .await
            .unwrap()
            .unwrap_or_default();
        unanswered += usize::from(count == 0);
    }
    assert_eq!(unanswered, 0);
    assert!(next.await.unwrap().unwrap().ends_with("success"));
    serving.abort();
}
