use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use healthcheck_tests::free_addr;
use rustix::process::Signal;

use crate::client::LIMIT;
use crate::process::Served;
use crate::states::{at, follow};
use crate::stats::HaProxy;

/// The maximum time for which the clients send requests. The drain of one instance takes 5 s of this time.
const LONGEST_LOAD: Duration = Duration::from_secs(40);

/// Starts two instances of the service, and HAProxy in front of them. Waits until HAProxy has marked both instances as
/// up.
fn two() -> ([Served; 2], HaProxy) {
    let ((first, first_addr), (second, second_addr)) = (Served::start(&[]), Served::start(&[]));
    let mut haproxy = HaProxy::start(
        "haproxy.cfg",
        &[
            ("127.0.0.1:8081", &first_addr.to_string()),
            ("127.0.0.1:8082", &second_addr.to_string()),
        ],
    );
    for server in ["shop-1", "shop-2"] {
        haproxy.wait_for(server, |status, _| status == "UP");
    }
    ([first, second], haproxy)
}

/// Sends a GET request over a new connection. Returns the status line of the answer.
fn ask(addr: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(addr)?;
    stream.set_read_timeout(Some(LIMIT))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.lines().next().unwrap_or("no answer").to_owned())
}

#[test]
fn a_failing_check_takes_its_server_out_and_recovery_brings_it_back() {
    let ([mut first, _second], mut haproxy) = two();
    first.tell("break");
    haproxy.wait_for("shop-1", |status, _| status == "DOWN");
    assert_eq!(haproxy.state("shop-2").0, "UP");
    for _ in 0..10 {
        assert_eq!(ask(haproxy.front, "/readyz").unwrap(), "HTTP/1.1 200 OK");
    }
    first.tell("repair");
    haproxy.wait_for("shop-1", |status, _| status == "UP");
}

#[test]
fn haproxy_follows_the_first_instance_into_each_state_and_back() {
    let addr = free_addr();
    let (first, (_second, second_addr)) = (at(addr), Served::start(&[]));
    let haproxy = HaProxy::start(
        "haproxy.cfg",
        &[
            ("127.0.0.1:8081", &addr.to_string()),
            ("127.0.0.1:8082", &second_addr.to_string()),
        ],
    );
    let is_up = || haproxy.state("shop-1").0.starts_with("UP");
    follow(first, || at(addr), is_up);
    assert_eq!(haproxy.state("shop-2").0, "UP");
}

#[test]
fn sigterm_under_load_loses_not_one_request() {
    let ([mut first, _second], mut haproxy) = two();
    let front = haproxy.front;
    let (stop, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    let began = Instant::now();
    let load = || {
        while !stop.load(Ordering::Acquire) && began.elapsed() < LONGEST_LOAD {
            match ask(front, "/livez") {
                Ok(line) if line == "HTTP/1.1 200 OK" => answered.fetch_add(1, Ordering::AcqRel),
                lost => return Err(format!("{lost:?} after {:?}", began.elapsed())),
            };
            thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    };
    let wait_for_more = |count| {
        let wanted = answered.load(Ordering::Acquire) + count;
        while answered.load(Ordering::Acquire) < wanted && began.elapsed() < LONGEST_LOAD {
            thread::sleep(Duration::from_millis(5));
        }
    };
    let lost: Vec<String> = thread::scope(|scope| {
        let threads = [(); 4].map(|()| scope.spawn(load));
        wait_for_more(100);
        // After this signal, the service drains with the library's default delay of 5 s.
        first.signal(Signal::TERM);
        assert!(first.wait().success());
        wait_for_more(100);
        stop.store(true, Ordering::Release);
        let ended = threads.map(|thread| thread.join().unwrap());
        ended.into_iter().filter_map(Result::err).collect()
    });
    println!("{} requests were answered", answered.load(Ordering::Acquire));
    assert_eq!(lost, Vec::<String>::new());
    assert!(began.elapsed() < LONGEST_LOAD, "the load ended before the server");
    haproxy.wait_for("shop-1", |status, _| status == "DOWN");
}

#[test]
fn the_pages_of_the_machine_are_not_for_those_who_come_through_the_example() {
    let (_servers, haproxy) = two();
    for path in [
        "/environment",
        "/Environment/os",
        "/healthcheck",
        "/healthcheck/history",
    ] {
        assert_eq!(
            ask(haproxy.front, path).unwrap(),
            "HTTP/1.1 403 Forbidden",
            "{path}"
        );
    }
}
