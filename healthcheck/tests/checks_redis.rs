//! The check `redis`, against a server in this process that speaks as much of the protocol as a PING takes.
#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use healthcheck::checks;
use healthcheck::{Outcome, Status};
use redis::Client;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

fn text(outcome: &Outcome) -> &str {
    outcome.output().as_str().unwrap()
}

/// Its connections end with it.
struct Server {
    address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Server {
    /// Answers a PING with `pong`, not at all where that is empty; every other command with OK.
    async fn on(address: &str, pong: &'static str) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let accepted = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&accepted);
        let accepting = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                connections.spawn(serve(stream, pong));
            }
        });
        Self {
            address,
            accepted,
            accepting,
        }
    }

    async fn start(pong: &'static str) -> Self {
        Self::on("127.0.0.1:0", pong).await
    }

    fn client(&self) -> Client {
        Client::open(format!("redis://{}/", self.address)).unwrap()
    }

    async fn stop(self) {
        self.accepting.abort();
        let _cancelled = self.accepting.await;
    }
}

async fn serve(stream: TcpStream, pong: &'static str) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut words = Vec::new();
        for _ in 0..number(&mut stream, '*').await? {
            let mut word = vec![0; number(&mut stream, '$').await? + 2];
            stream.read_exact(&mut word).await.ok()?;
            words.push(word);
        }
        let is_ping = words.first()?.eq_ignore_ascii_case(b"PING\r\n");
        let answer = if is_ping { pong } else { "+OK\r\n" };
        stream.write_all(answer.as_bytes()).await.ok()?;
    }
}

async fn number(stream: &mut BufReader<TcpStream>, kind: char) -> Option<usize> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    line.trim_end().strip_prefix(kind)?.parse().ok()
}

const PONG: &str = "+PONG\r\n";

#[tokio::test]
async fn a_client_s_connection_is_kept_and_used_again() {
    let server = Server::start(PONG).await;
    let client = server.client();
    for _ in 0..20 {
        let outcome = checks::redis(&client).await;
        assert_eq!(
            outcome,
            Outcome::pass(format!("{} answered PONG", server.address))
        );
    }
    // Another client of the same server is the same to it.
    assert_eq!(
        checks::redis(&Arc::new(server.client())).await.status(),
        Status::Pass
    );
    assert_eq!(server.accepted.load(Ordering::SeqCst), 1);
    // One that has stood idle for long may be forgotten by what lies between.
    for (idle, connections) in [(40, 1), (40, 1), (46, 2)] {
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(idle)).await;
        tokio::time::resume();
        assert_eq!(checks::redis(&client).await.status(), Status::Pass);
        assert_eq!(
            server.accepted.load(Ordering::SeqCst),
            connections,
            "after {idle} s"
        );
    }
}

#[tokio::test]
async fn a_manager_and_a_connection_are_used_as_they_are() {
    let server = Server::start(PONG).await;
    let manager = server.client().get_connection_manager().await.unwrap();
    let connection = server.client().get_multiplexed_async_connection().await.unwrap();
    for _ in 0..5 {
        assert_eq!(
            checks::redis(&manager).await,
            Outcome::pass("redis answered PONG")
        );
        assert_eq!(
            checks::redis(&connection).await,
            Outcome::pass("redis answered PONG")
        );
    }
    assert_eq!(server.accepted.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_restart_is_survived_by_client_and_manager() {
    let server = Server::start(PONG).await;
    let address = server.address.to_string();
    let client = server.client();
    let manager = client.get_connection_manager().await.unwrap();
    assert_eq!(checks::redis(&client).await.status(), Status::Pass);
    server.stop().await;
    let outcome = checks::redis(&client).await;
    assert!(
        text(&outcome).starts_with(&format!("connect: {address}: ")),
        "{outcome:?}"
    );
    let _server = Server::on(&address, PONG).await;
    let outcome = checks::redis(&client).await;
    assert_eq!(outcome.status(), Status::Pass, "{outcome:?}");
    let outcome = checks::redis(&manager).timeout(Duration::from_secs(10)).await;
    assert_eq!(outcome.status(), Status::Pass, "{outcome:?}");
}

#[tokio::test]
async fn each_failure_names_its_layer() {
    let wait = Duration::from_millis(200);
    let (silent, loading, babbling) = (
        Server::start("").await,
        Server::start("-LOADING Redis is loading the dataset in memory\r\n").await,
        Server::start("HTTP/1.1 400 Bad Request\r\n\r\n").await,
    );
    let closed = Server::start(PONG).await;
    let closed_client = closed.client();
    let closed_address = closed.address;
    closed.stop().await;
    let name = format!("{}.invalid", "x".repeat(64));
    let unknown = Client::open(format!("redis://{name}/")).unwrap();
    for (client, expected) in [
        (&unknown, format!("DNS: {name}:6379: ")),
        (&closed_client, format!("connect: {closed_address}: ")),
        (
            &silent.client(),
            format!("protocol: {}: no answer to a PING within 200 ms", silent.address),
        ),
        (&babbling.client(), format!("protocol: {}: ", babbling.address)),
        (&loading.client(), format!("verdict: {}: ", loading.address)),
    ] {
        let outcome = checks::redis(client).timeout(wait).await;
        assert_eq!(outcome.status(), Status::Fail, "{expected}");
        assert!(
            text(&outcome).starts_with(&expected),
            "{} instead of {expected}",
            text(&outcome)
        );
    }
}

#[tokio::test]
async fn a_password_is_never_shown() {
    let secret = concat!("hunter", "2");
    let server = Server::start(PONG).await;
    let client = Client::open(format!("redis://app:{secret}@{}/", server.address)).unwrap();
    let check = checks::redis(&client);
    assert!(!format!("{check:?}").contains(secret));
    let outcome = check.await;
    assert_eq!(outcome.status(), Status::Pass);
    server.stop().await;
    let failed = checks::redis(&client).await;
    assert_eq!(failed.status(), Status::Fail);
    assert!(
        !text(&outcome).contains(secret) && !text(&failed).contains(secret),
        "{failed:?}"
    );
}
