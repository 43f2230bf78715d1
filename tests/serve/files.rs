//! A process without a free file.

use std::time::{Duration, Instant};

use crate::process::{Connection, Served, get};

#[test]
fn without_a_free_file_open_connections_are_served_and_new_ones_as_soon_as_there_is_one() {
    let (mut served, addr) = Served::start(&["files=64"]);
    let mut open = Connection::open(addr);
    open.send("/livez");
    assert_eq!(open.answer().code, 200);

    served.tell("take all files");
    // The kernel takes it; the process can't yet.
    let mut waiting = Connection::open(addr);
    waiting.send("/livez");
    served.wait_for_log("can't accept connections");
    open.send("/livez");
    assert_eq!(open.answer().code, 200, "open connections are kept");

    served.tell("give files back");
    assert_eq!(waiting.answer().code, 200);
    assert_eq!(served.count_in_log("can't accept connections"), 1);
}

// Elsewhere the server doesn't know how many files it may have.
#[cfg(target_os = "linux")]
#[test]
fn more_idle_connections_than_the_process_may_have_files_keep_no_probe_out() {
    let (_served, addr) = Served::start(&["files=64"]);
    let _idle: Vec<_> = (0..100).map(|_| Connection::open(addr)).collect();
    let asked = Instant::now();
    assert_eq!(get(addr, "/livez").code, 200);
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
}
