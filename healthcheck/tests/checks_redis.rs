//! Tests the check `redis` against a server in this process. The server implements only the commands that the check
//! sends.
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

/// A Redis server in this process, for tests. Its method `stop` closes the listener and all connections.
struct Server {
    address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    accepting: tokio::task::JoinHandle<()>,
    /// If this sender sends a value or is dropped, the server accepts no new connections. The server keeps serving its
    /// open connections.
    open: tokio::sync::watch::Sender<bool>,
}

impl Server {
    /// Starts a server that answers PING with `pong`, or not at all if `pong` is empty. The server never answers ROLE.
    /// It answers all other commands with OK.
    async fn on(address: &str, pong: &'static str) -> Self {
        Self::on_answering(address, pong, "+OK\r\n", "").await
    }

    /// Starts a server that answers PING with `pong`, SET with `set`, ROLE with `role`, and every other command with
    /// OK.
    async fn answering(pong: &'static str, set: &'static str, role: &'static str) -> Self {
        Self::on_answering("127.0.0.1:0", pong, set, role).await
    }

    async fn on_answering(address: &str, pong: &'static str, set: &'static str, role: &'static str) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let (open, mut is_open) = tokio::sync::watch::channel(true);
        let address = listener.local_addr().unwrap();
        let accepted = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&accepted);
        let accepting = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                tokio::select! {
                    accepted = listener.accept() => {
                        count.fetch_add(1, Ordering::SeqCst);
                        connections.spawn(serve(accepted.unwrap().0, [pong, set, role]));
                    }
                    _ = is_open.changed() => break,
                }
            }
            drop(listener);
            while connections.join_next().await.is_some() {}
        });
        Self {
            address,
            accepted,
            accepting,
            open,
        }
    }

    async fn take_no_more(&self) {
        self.open.send(false).unwrap();
        while TcpStream::connect(self.address).await.is_ok() {}
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

async fn serve(stream: TcpStream, [pong, set, role]: [&'static str; 3]) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut words = Vec::new();
        for _ in 0..number(&mut stream, '*').await? {
            let mut word = vec![0; number(&mut stream, '$').await? + 2];
            stream.read_exact(&mut word).await.ok()?;
            words.push(word);
        }
        let answer = match &*words.first()?.to_ascii_uppercase() {
            b"PING\r\n" => pong,
            b"SET\r\n" => set,
            b"ROLE\r\n" => role,
            _ => "+OK\r\n",
        };
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
async fn a_client_dials_anew_for_each_run_and_leaves_no_connection() {
    let server = Server::start(PONG).await;
    let client = server.client();
    for run in 1..=20 {
        let outcome = checks::redis(&client).await;
        assert_eq!(
            outcome,
            Outcome::pass(format!("{} answered PONG", server.address))
        );
        assert_eq!(server.accepted.load(Ordering::SeqCst), run);
    }
    assert_eq!(
        checks::redis(&Arc::new(server.client())).await.status(),
        Status::Pass
    );
}

/// A server that accepts no new connections keeps serving its open connections. Only a check that opens a new
/// connection fails.
#[tokio::test]
async fn a_server_that_takes_no_new_connection_fails_at_the_next_run() {
    let server = Server::start(PONG).await;
    let (client, address) = (server.client(), server.address);
    let kept = client.get_multiplexed_async_connection().await.unwrap();
    assert_eq!(checks::redis(&client).await.status(), Status::Pass);
    server.take_no_more().await;
    let refused = checks::redis(&client).await;
    assert!(
        text(&refused).starts_with(&format!("connect: {address}: ")),
        "{refused:?}"
    );
    assert_eq!(checks::redis(&kept).await.status(), Status::Pass);
}

#[tokio::test]
async fn what_refuses_a_write_is_not_writable_and_still_answers_a_ping() {
    let primary = Server::start(PONG).await;
    let outcome = checks::redis(&primary.client()).writable().await;
    assert_eq!(
        outcome,
        Outcome::pass(format!("{} answered PONG and takes writes", primary.address))
    );
    for (refusal, role, status) in [
        (
            "-READONLY You can't write against a read only replica.\r\n",
            "",
            Status::Fail,
        ),
        (
            "-OOM command not allowed when used memory > 'maxmemory'.\r\n",
            "",
            Status::Fail,
        ),
        ("-MISCONF Errors writing to the AOF file\r\n", "", Status::Fail),
        (
            "-NOREPLICAS Not enough good replicas to write.\r\n",
            "",
            Status::Fail,
        ),
        // In these last three cases, the server refuses SET, because the user has no access to the key. The first of
        // these servers is a primary, the second is a replica, and the third refuses ROLE as well as SET.
        (
            "-NOPERM no permissions\r\n",
            "*1\r\n$6\r\nmaster\r\n",
            Status::Pass,
        ),
        (
            "-NOPERM no permissions\r\n",
            "*1\r\n$5\r\nslave\r\n",
            Status::Fail,
        ),
        (
            "-NOPERM no permissions\r\n",
            "-NOPERM no permissions\r\n",
            Status::Fail,
        ),
    ] {
        let server = Server::answering(PONG, refusal, role).await;
        let client = server.client();
        assert_eq!(checks::redis(&client).await.status(), Status::Pass);
        let outcome = checks::redis(&client).writable_key("orders:probe").await;
        assert_eq!(outcome.status(), status, "{outcome:?}");
        if status == Status::Fail {
            assert!(
                text(&outcome).starts_with(&format!("verdict: {}: ", server.address)),
                "{outcome:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_manager_whose_server_is_gone_gives_the_reason_at_once() {
    let server = Server::start(PONG).await;
    let address = server.address;
    let manager = server.client().get_connection_manager().await.unwrap();
    assert_eq!(checks::redis(&manager).await.status(), Status::Pass);
    server.stop().await;
    for _ in 0..3 {
        let began = std::time::Instant::now();
        let outcome = checks::redis(&manager).await;
        let told = text(&outcome);
        assert!(
            told.starts_with(&format!("connect: redis: {address}: ")) && told.contains("refused")
                || told.starts_with("connect: redis: Connection refused"),
            "{told}"
        );
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
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

/// A Redis server may refuse a new connection, for example in protected mode. The server then sends an error and closes
/// the connection. The check's output has to show this error.
#[tokio::test]
async fn what_a_server_says_before_it_closes_is_the_reason() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let refusing = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream
                .write_all(b"-DENIED Redis is running in protected mode\r\n")
                .await
                .unwrap();
            let _ = stream.shutdown().await;
        }
    });
    let client = Client::open(format!("redis://{address}/")).unwrap();
    assert_eq!(
        checks::redis(&client).await,
        Outcome::fail(format!(
            "verdict: {address}: DENIED Redis is running in protected mode"
        ))
    );
    refusing.abort();
}
