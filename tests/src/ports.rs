use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// Below 32768, where the kernel begins.
const PORTS: u32 = 12_000;

/// A port that nobody listens on. None of those that the kernel gives away by itself: between our asking and a program's
/// listening, any connection of the other tests could take such a one.
///
/// # Panics
/// No port is free.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Other test binaries count from elsewhere.
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

/// The same as an address of this machine.
///
/// # Panics
/// No port is free.
pub fn free_addr() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, free_port()).into()
}
