//! Tests the server's answers to HAProxy's agent check, over a TCP connection.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use healthcheck_tests::free_addr;
use rustix::process::Signal;

use crate::process::{LIMIT, Served, get, wait_until_refused};

/// Connects to the server's port for HAProxy's agent check, and sends this text. Returns the answer.
fn told(agent: SocketAddr, sent: &str) -> String {
    let mut stream = TcpStream::connect(agent).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.write_all(sent.as_bytes()).unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    said
}

#[test]
fn the_agent_of_haproxy_tells_readiness_in_one_line() {
    let agent = free_addr();
    let (mut served, _) = Served::start(&[&format!("agent={agent}")]);
    let up = "ready up 100%\n";
    assert_eq!(told(agent, ""), up);
    assert_eq!(
        told(agent, "agent-send shop-1\n"),
        up,
        "whatever the client sends"
    );
    for (begin, line, end) in [
        ("warn", "ready up 75%\n", "calm"),
        ("break", "ready down\n", "repair"),
        ("maintenance", "maint\n", "end maintenance"),
    ] {
        served.tell(begin);
        assert_eq!(told(agent, ""), line, "{begin}");
        served.tell(end);
        assert_eq!(told(agent, ""), up, "{end}");
    }
}

#[test]
fn the_agent_tells_to_drain_until_the_server_ends_and_not_that_it_is_up_again() {
    let agent = free_addr();
    let (mut served, addr) = Served::start(&[&format!("agent={agent}"), "delay=600000"]);
    served.tell("maintenance");
    served.tell("begin_shutdown");
    assert_eq!(told(agent, ""), "drain\n", "what ends for good comes first");
    served.tell("end maintenance");
    assert_eq!(told(agent, ""), "drain\n");
    assert_eq!(get(addr, "/livez").code, 200);
    served.signal(Signal::TERM);
    served.signal(Signal::TERM);
    assert!(served.wait().success());
    wait_until_refused(agent);
}

#[test]
fn the_agent_answers_while_the_application_is_blocked() {
    let agent = free_addr();
    let (mut served, _) = Served::start(&[&format!("agent={agent}")]);
    served.tell("block");
    let said = told(agent, "");
    assert!(said == "ready up 100%\n" || said == "ready down\n", "{said}");
}

#[test]
fn one_that_never_reads_nor_closes_keeps_nobody_from_the_agent() {
    let agent = free_addr();
    let (_served, _) = Served::start(&[&format!("agent={agent}")]);
    let idle: Vec<TcpStream> = (0..70).map(|_| TcpStream::connect(agent).unwrap()).collect();
    assert_eq!(told(agent, ""), "ready up 100%\n");
    drop(idle);
}

#[test]
fn an_address_of_the_agent_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap();
    let mut served = Served::spawn(Served::command(&[&format!("agent={addr}")]));
    served.wait_for_log(&format!("can't listen on {addr}: address already in use"));
    assert!(!served.wait().success());
}
