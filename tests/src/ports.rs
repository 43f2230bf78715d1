use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// The number of ports from which the tests choose. All of them are below 32768, where the kernel's ephemeral ports
/// begin.
const PORTS: u32 = 12_000;

/// Returns a free port that isn't an ephemeral port. The kernel could use an ephemeral port for another connection
/// before the tested program listens on it.
///
/// # Panics
/// Panics if no port is free.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Several test processes can run at the same time. So each process begins its search at a different port.
    let start = std::process::id().wrapping_mul(61) % PORTS;
    loop {
        let turn = u32::from(NEXT.fetch_add(1, Ordering::Relaxed));
        assert!(turn < PORTS, "no port is free");
        let port = 20_000 + ((start + turn) % PORTS) as u16;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// Returns the address 127.0.0.1 with a free port.
///
/// # Panics
/// Panics if no port is free.
pub fn free_addr() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, free_port()).into()
}
