//! Warns once about each check that calls another machine and isn't marked `external`.
//!
//! Usually, all instances of a service call the same other machine. If that machine is down, a check of the machine
//! fails in all instances. If the check isn't `external`, the load balancer removes all instances. Removing them
//! doesn't repair the machine.
//!
//! Each network check passes its target to [`note`]. If the target is a loopback address or a Unix socket, there is no
//! warning, because the target is on the same machine as the check.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use crate::runner::CurrentCheck;

/// The check whose run calls this module.
#[derive(Clone, Debug)]
pub(super) struct Running {
    /// The id of the check's registry, and the check's name.
    pub(super) key: (usize, String),
    pub(super) external: bool,
}

/// Returns the check that runs on this task or thread, or `None` outside of a run.
pub(super) fn running() -> Option<Running> {
    let current = CurrentCheck::get()?;
    let info = current.info()?;
    Some(Running {
        key: (current.registry(), info.name().to_owned()),
        external: info.options().external,
    })
}

/// Adds a warning to the log, and to the field `warnings` of each report.
fn report(text: &str) {
    if let Some(current) = CurrentCheck::get() {
        current.warn(text);
    }
}

/// The target of a network check.
#[derive(Clone, Copy, Debug)]
pub(super) enum Peer<'a> {
    Address(IpAddr),
    Name(&'a str),
    /// A target without a known network address: a Unix socket, a file, or a client whose address can't be read. Such a
    /// target causes no warning.
    Unknown,
}

impl Peer<'_> {
    fn is_another_machine(self) -> bool {
        match self {
            Self::Address(address) => {
                let address = address.to_canonical();
                !address.is_loopback() && !address.is_unspecified()
            }
            Self::Name(name) => match name.parse() {
                Ok(address) => Self::Address(address).is_another_machine(),
                Err(_) => {
                    let name = name.trim_end_matches('.').to_ascii_lowercase();
                    // By RFC 6761, `localhost` and all names that end with `.localhost` mean this machine.
                    name != "localhost" && !name.ends_with(".localhost")
                }
            },
            Self::Unknown => false,
        }
    }
}

/// The checks that have already caused a warning. `MOST` limits the size of this set, because a service may keep adding
/// checks with new names.
static SAID: Mutex<BTreeSet<(usize, String)>> = Mutex::new(BTreeSet::new());
const MOST: usize = 4096;

/// Warns if the target of the current check is another machine and the check isn't `external`. Warns only once for each
/// check.
pub(super) fn note(peer: Peer<'_>) {
    note_of(running(), peer, report);
}

/// Warns about the target of the current check, as [`note`] does, but decides by the addresses of the name `host`. A
/// name without an address counts as another machine.
pub(super) fn note_resolved(host: &str, addresses: &[IpAddr]) {
    let is_other = |&address: &IpAddr| Peer::Address(address).is_another_machine();
    if addresses.is_empty() || addresses.iter().any(is_other) {
        note(Peer::Name(host));
    }
}

fn note_of(running: Option<Running>, peer: Peer<'_>, report: impl FnOnce(&str)) {
    let Some(Running { key, external: false }) = running else {
        return;
    };
    if !peer.is_another_machine() {
        return;
    }
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    if said.len() >= MOST || !said.insert(key.clone()) {
        return;
    }
    drop(said);
    let asked = match peer {
        Peer::Address(address) => address.to_string(),
        Peer::Name(name) => name.to_owned(),
        Peer::Unknown => return,
    };
    let check = key.1;
    report(&format!(
        "the check {check:?} asks another machine, {asked}, which other instances ask too: write \
             `#[health_check(external)]`, so that its failure degrades readiness and doesn't take out all of them"
    ));
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn said(check: &str, external: bool, peer: Peer<'_>) -> Vec<String> {
        let mut said = Vec::new();
        let running = Running {
            key: (0, check.to_owned()),
            external,
        };
        note_of(Some(running), peer, |text| said.push(text.to_owned()));
        said
    }

    #[test]
    fn another_machine_is_said_once_a_check_with_what_to_write() {
        let database = Peer::Name("db.internal");
        let first = said("shared-a", false, database);
        assert!(
            first[0].starts_with("the check \"shared-a\" asks another machine, db.internal,")
                && first[0].contains("`#[health_check(external)]`"),
            "{first:?}"
        );
        assert!(said("shared-a", false, database).is_empty());
        let address = Peer::Address("192.0.2.7".parse().unwrap());
        assert_eq!(said("shared-b", false, address).len(), 1);
    }

    #[test]
    fn a_check_that_is_marked_and_what_runs_outside_of_a_check_say_nothing() {
        let database = Peer::Name("db.internal");
        assert!(said("shared-c", true, database).is_empty());
        note_of(None, database, |_| unreachable!());
    }

    #[test]
    fn this_machine_is_no_other() {
        for name in [
            "localhost",
            "LOCALHOST.",
            "db.localhost",
            "127.0.0.1",
            "127.9.9.9",
            "::1",
            "::ffff:127.0.0.1",
            "0.0.0.0",
        ] {
            assert!(said("shared-d", false, Peer::Name(name)).is_empty(), "{name}");
            if let Ok(address) = name.parse() {
                assert!(
                    said("shared-d", false, Peer::Address(address)).is_empty(),
                    "{name}"
                );
            }
        }
        assert!(said("shared-d", false, Peer::Unknown).is_empty());
        for name in ["localhost.example", "10.0.0.1", "fd00::1", "db"] {
            assert_eq!(
                said(&format!("shared-{name}"), false, Peer::Name(name)).len(),
                1,
                "{name}"
            );
        }
    }
}
