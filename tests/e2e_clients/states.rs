//! Puts a service into one state after another. Asserts each time that a program that watches the service notices the
//! new state.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::client::LIMIT;
use crate::process::Served;

/// With the configurations in the examples, every program that watches the service notices a new state of the service
/// within this time.
const LONG_ENOUGH: Duration = Duration::from_secs(5);

/// Puts a passing service into these states: warning, failure, maintenance, hang and drain. Asserts that the watching
/// program reacts to each state. Between two of these states, the service passes.
///
/// The drain ends the service. After the drain, `again` starts a new service.
///
/// `is_in` returns whether the watching program sends requests to the service, or reports it as up.
pub fn follow(mut served: Served, again: impl FnOnce() -> Served, mut is_in: impl FnMut() -> bool) {
    let mut wait_for = |state: &str, wanted: bool| {
        let began = Instant::now();
        while is_in() != wanted {
            assert!(began.elapsed() < LIMIT, "{state}: not followed in time");
            thread::sleep(Duration::from_millis(50));
        }
        println!(
            "{state}: {} after {:?}",
            if wanted { "in" } else { "out" },
            began.elapsed()
        );
    };
    wait_for("pass", true);

    served.tell("warn");
    let warned = Instant::now();
    while warned.elapsed() < LONG_ENOUGH {
        wait_for("warn", true);
        thread::sleep(Duration::from_millis(500));
    }
    served.tell("calm");

    served.tell("break");
    wait_for("fail", false);
    served.tell("repair");
    wait_for("recovery", true);

    served.tell("maintenance");
    wait_for("maintenance", false);
    served.tell("end maintenance");
    wait_for("the end of maintenance", true);

    served.signal(Signal::STOP);
    wait_for("hang", false);
    served.signal(Signal::CONT);
    wait_for("the end of the hang", true);

    served.signal(Signal::TERM);
    wait_for("drain", false);
    assert!(served.is_running(), "it was noticed before the port closed");
    assert!(served.wait().success());
    let _again = again();
    wait_for("the next one in its place", true);
}

/// Starts a service that listens on this address. The address may be that of an earlier service, which has ended.
pub fn at(addr: SocketAddr) -> Served {
    let mut served = Served::spawn(Served::command(&[&format!("addr={addr}")]));
    served.wait_for_log(&format!("listening on http://{addr}"));
    served
}
