//! A proxy between a client and a server. It can stop forwarding without closing the connections, as a firewall does.

use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// Forwards bytes until the test calls `forget`. From then on, existing connections stay open, but the proxy forwards
/// nothing over them.
pub struct Blackhole {
    pub address: SocketAddr,
    forgotten: watch::Sender<()>,
    refused: watch::Sender<()>,
    accepting: JoinHandle<()>,
}

impl Blackhole {
    pub async fn before(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (forgotten, forgets) = watch::channel(());
        let (refused, mut refuses) = watch::channel(());
        let accepting = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let mut client = tokio::select! {
                    accepted = listener.accept() => accepted.unwrap().0,
                    _ = refuses.changed() => break,
                };
                let mut forgets = forgets.clone();
                forgets.mark_unchanged();
                connections.spawn(async move {
                    let mut server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                    tokio::select! {
                        _ = copy_bidirectional(&mut client, &mut server) => {}
                        _ = forgets.changed() => {
                            // From here on, this task keeps both connections open and forwards nothing.
                            std::future::pending::<()>().await;
                        }
                    }
                });
            }
            drop(listener);
            while connections.join_next().await.is_some() {}
        });
        Self {
            address,
            forgotten,
            refused,
            accepting,
        }
    }

    /// Makes the proxy refuse new connections. The proxy still forwards over existing connections.
    pub async fn refuse(&self) {
        self.refused.send(()).unwrap();
        while TcpStream::connect(self.address).await.is_ok() {}
    }

    pub fn forget(&self) {
        self.forgotten.send(()).unwrap();
    }
}

impl Drop for Blackhole {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
