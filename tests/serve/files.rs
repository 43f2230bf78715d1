//! Tests a service whose process has run out of file descriptors.

use std::time::{Duration, Instant};

use crate::process::{Connection, Served, get};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn without_a_free_file_idle_connections_are_closed_and_probes_are_answered_at_once() {
    let (mut served, addr) = Served::start(&["files=64"]);
    let mut open = Connection::open(addr);
    open.send("/livez");
    assert_eq!(open.answer().code, 200);

    served.tell("take all files");
    for _ in 0..10 {
        let asked = Instant::now();
        assert_eq!(get(addr, "/livez").code, 200);
        assert!(asked.elapsed() < SECOND, "{:?}", asked.elapsed());
    }
    assert!(open.is_closed());
    assert_eq!(served.count_in_log("can't accept connections"), 1);

    served.tell("give files back");
    let mut kept = Connection::open(addr);
    for _ in 0..2 {
        kept.send("/livez");
        assert_eq!(kept.answer().code, 200, "connections are kept again");
    }
}

#[test]
fn sixty_idle_clients_of_a_process_with_twenty_files_keep_no_probe_out() {
    let (_served, addr) = Served::start(&["files=20"]);
    let _idle: Vec<_> = (0..60).map(|_| Connection::open(addr)).collect();
    for _ in 0..5 {
        let asked = Instant::now();
        assert_eq!(get(addr, "/livez").code, 200);
        assert!(asked.elapsed() < SECOND, "{:?}", asked.elapsed());
    }
}

// This test runs only on Linux. On other systems, the server can't find out how many files its process may open.
#[cfg(target_os = "linux")]
#[test]
fn more_idle_connections_than_the_process_may_have_files_keep_no_probe_out() {
    let (_served, addr) = Served::start(&["files=64"]);
    let _idle: Vec<_> = (0..100).map(|_| Connection::open(addr)).collect();
    let asked = Instant::now();
    assert_eq!(get(addr, "/livez").code, 200);
    assert!(asked.elapsed() < SECOND, "{:?}", asked.elapsed());
}
