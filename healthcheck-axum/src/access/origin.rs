//! Decides whether a request comes from this machine or through a proxy, by the request's head and the peer's address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::extract::connect_info::MockConnectInfo;
use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::http::{HeaderName, Version};

use super::Refusal;

/// Admits a request that has none of the headers that proxies add.
pub(super) fn direct(request: &Parts) -> Result<(), Refusal<'_>> {
    match request.headers.keys().find(|name| is_of_a_proxy(name)) {
        Some(header) => Err(Refusal::Proxied(header)),
        None => Ok(()),
    }
}

/// Admits a request that a process on this machine has sent without a proxy.
pub(super) fn loopback(request: &Parts) -> Result<(), Refusal<'_>> {
    direct(request)?;
    let peer = peer(request).ok_or(Refusal::UnknownPeer)?;
    if !is_local(peer) {
        return Err(Refusal::Elsewhere);
    }
    // Some proxies add no header, for example nginx with a bare `proxy_pass`. By default nginx sends HTTP/1.0. To
    // recognize nginx, this rule refuses every request with HTTP/1.0.
    if request.version < Version::HTTP_11 {
        return Err(Refusal::OldHttp);
    }
    // Prevents DNS rebinding: a website can make a browser connect to localhost, but then the header `Host` contains
    // the name of the website.
    let asked = request.headers.get_all(HOST).iter().map(|host| host.as_bytes());
    let target = request
        .uri
        .authority()
        .map(|authority| authority.as_str().as_bytes());
    if asked.chain(target).all(names_this_machine) {
        Ok(())
    } else {
        Err(Refusal::OtherHost)
    }
}

fn is_of_a_proxy(header: &HeaderName) -> bool {
    let name = header.as_str();
    match name.as_bytes() {
        [b'f' | b'v', ..] => matches!(name, "forwarded" | "via"),
        [b'l', ..] => name.starts_with("l5d-"),
        [b'x', ..] => name == "x-real-ip" || name.starts_with("x-forwarded-") || name.starts_with("x-envoy-"),
        _ => false,
    }
}

fn peer(request: &Parts) -> Option<IpAddr> {
    let extensions = &request.extensions;
    let real = extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map(|ConnectInfo(peer)| peer);
    let mock = extensions
        .get::<MockConnectInfo<SocketAddr>>()
        .map(|MockConnectInfo(peer)| peer);
    real.or(mock).map(SocketAddr::ip)
}

/// Returns whether the peer's address is exactly 127.0.0.1 or ::1. Returns false for the other addresses of
/// 127.0.0.0/8, because other services often use them.
fn is_local(peer: IpAddr) -> bool {
    match peer.to_canonical() {
        IpAddr::V4(address) => address == Ipv4Addr::LOCALHOST,
        IpAddr::V6(address) => address == Ipv6Addr::LOCALHOST,
    }
}

fn names_this_machine(host: &[u8]) -> bool {
    let port_of = |name: &[u8]| {
        let (start, rest) = host.split_at_checked(name.len())?;
        start.eq_ignore_ascii_case(name).then_some(rest)
    };
    let names: [&[u8]; 3] = [b"localhost", b"127.0.0.1", b"[::1]"];
    names.into_iter().filter_map(port_of).any(|rest| match rest {
        [] => true,
        [b':', port @ ..] => port.len() <= 5 && port.iter().all(u8::is_ascii_digit),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn localhost_and_its_two_addresses_with_any_port_name_this_machine() {
        for host in [
            "localhost",
            "LocalHost:8080",
            "127.0.0.1",
            "127.0.0.1:1",
            "[::1]",
            "[::1]:65535",
        ] {
            assert!(names_this_machine(host.as_bytes()), "{host}");
        }
    }

    #[test]
    fn whatever_only_looks_like_localhost_does_not_name_this_machine() {
        for host in [
            "",
            ":80",
            "localhost.evil.example",
            "localhost:80@evil.example",
            "localhost:x",
            "localhost:123456",
            "127.0.0.1.nip.io",
            "127.0.0.2",
            "::1",
            "[::1",
            "[::2]",
            "user@localhost",
            "evil.example",
            "localhost,evil.example",
        ] {
            assert!(!names_this_machine(host.as_bytes()), "{host}");
        }
    }

    #[test]
    fn only_the_two_loopback_addresses_are_local() {
        for (peer, local) in [
            ("127.0.0.1", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("127.0.0.2", false),
            ("10.0.0.1", false),
            ("::ffff:10.0.0.1", false),
            ("fe80::1", false),
        ] {
            assert_eq!(is_local(peer.parse().unwrap()), local, "{peer}");
        }
    }
}
