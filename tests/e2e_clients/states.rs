//! Leads a service through its states, and checks that the watching program follows.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::client::LIMIT;
use crate::process::Served;

/// Every client in the examples notices a change within this time.
const LONG_ENOUGH: Duration = Duration::from_secs(5);

/// Leads a passing service through a warning, a failure, maintenance, a hang and the drain. Between these states the
/// service passes again. `again` starts a new service after the drain. `is_in` returns whether the watching program
/// considers the service ready.
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

/// Starts a service at this address. An earlier service may have used the same address.
pub fn at(addr: SocketAddr) -> Served {
    let mut served = Served::spawn(Served::command(&[&format!("addr={addr}")]));
    served.wait_for_log(&format!("listening on http://{addr}"));
    served
}
