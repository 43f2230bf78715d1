//! Tests Unix sockets, host names that have several addresses, and servers that stop when a future completes.

use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use std::io::{Read, Write};

use healthcheck::{Check, HealthCheck};
use healthcheck_axum::{Endpoints, Listener, probe};
use tokio::net::UnixListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::process::LIMIT;

fn endpoints(passes: bool) -> Endpoints {
    let check = Check::new("a", move || async move { passes });
    let health = HealthCheck::builder()
        .discover(false)
        .check(check)
        .build()
        .unwrap();
    Endpoints::new(health).shutdown_delay(Duration::ZERO)
}

struct Running {
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Result<(), healthcheck_axum::ServeError>>,
}

impl Running {
    async fn end(self) {
        drop(self.stop);
        let ended = tokio::time::timeout(LIMIT, self.serving).await;
        ended.unwrap().unwrap().unwrap();
    }
}

fn serve(endpoints: Endpoints, listener: impl Into<Listener>) -> Running {
    let (stop, stopped) = oneshot::channel::<()>();
    let listener = listener.into();
    let until = async { drop(stopped.await) };
    let serving = tokio::spawn(endpoints.serve_on_until(listener, until));
    Running { stop, serving }
}

#[tokio::test]
async fn a_unix_socket_is_served_and_probed_and_counts_as_this_machine() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.sock");
    for (passes, code) in [(true, 0), (false, 1)] {
        let listener = UnixListener::bind(&path).unwrap();
        let running = serve(endpoints(passes), listener);
        let probed = probe(format!("unix:{}", path.display()), "/readyz").await;
        assert_eq!(probed.docker_code(), code, "{probed}");

        let socket = path.clone();
        let environment = tokio::task::spawn_blocking(move || {
            let mut stream = UnixStream::connect(socket).unwrap();
            stream
                .write_all(
                    b"GET /environment/process HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
                )
                .unwrap();
            let mut said = String::new();
            stream.read_to_string(&mut said).unwrap();
            said
        });
        let said = environment.await.unwrap();
        assert!(said.starts_with("HTTP/1.1 200"), "{said}");
        // The client of a Unix socket is always on the same machine as the server. So the page shows the values of
        // environment variables to this client.
        assert!(said.contains("\"environ\":{"), "{said}");
        running.end().await;
        std::fs::remove_file(&path).unwrap();
    }
    let probed = probe(format!("unix:{}", path.display()), "/readyz").await;
    assert!(probed.to_string().contains("app.sock"), "{probed}");
    assert_eq!(probed.docker_code(), 1);
}

#[tokio::test]
async fn the_owner_of_a_listener_ends_the_server_by_a_future() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let running = serve(endpoints(true), listener);
    assert_eq!(probe(addr, "/readyz").await.docker_code(), 0);
    running.end().await;
    assert_eq!(probe(addr, "/readyz").await.docker_code(), 1);
}

#[tokio::test]
async fn every_address_of_a_name_is_served_at_one_port() {
    let log = healthcheck_tests::Log::catch();
    let (stop, stopped) = oneshot::channel::<()>();
    let until = async { drop(stopped.await) };
    let addrs: [SocketAddr; 3] = ["127.0.0.1:0", "127.0.0.2:0", "[::1]:0"].map(|addr| addr.parse().unwrap());
    let serving = tokio::spawn(async move { endpoints(true).serve_until(&addrs[..], until).await });
    let line = tokio::time::timeout(LIMIT, async {
        loop {
            if let Some(line) = log.saying("listening on http://127.0.0.1:").pop() {
                return line;
            }
            tokio::task::yield_now().await;
        }
    });
    let line = line.await.unwrap();
    let port: u16 = line
        .split("127.0.0.1:")
        .nth(1)
        .and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next())
        .unwrap()
        .parse()
        .unwrap();
    for addr in addrs {
        let at = SocketAddr::new(addr.ip(), port);
        // On a machine without IPv6, the server listens only on the IPv4 addresses of the host name.
        let is_here = match addr.ip() {
            IpAddr::V4(_) => true,
            IpAddr::V6(_) => std::net::TcpListener::bind("[::1]:0").is_ok(),
        };
        assert_eq!(TcpStream::connect(at).is_ok(), is_here, "{at}");
        assert_eq!(probe(at, "/readyz").await.docker_code() == 0, is_here, "{at}");
    }
    drop(stop);
    serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_address_of_a_name_that_is_taken_is_named() {
    let taken = tokio::net::TcpListener::bind("127.0.0.2:0").await.unwrap();
    let addr = taken.local_addr().unwrap();
    let both = [SocketAddr::from(([127, 0, 0, 1], addr.port())), addr];
    let error = endpoints(true).serve(&both[..]).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("can't listen on {addr}: address already in use")
    );
}
