//! Connections that stay open between the runs of the web checks, so that a run costs no handshake.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::client::conn::http1::SendRequest;
use tokio::time::Instant;

use super::idle::LONGEST_IDLE;

pub(super) type Sender = SendRequest<Empty<Bytes>>;

/// What a connection is good for: the same server, trusted for the same reason.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Origin {
    pub(super) https: bool,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) ca_file: Option<PathBuf>,
}

/// Several checks may ask one server at the same time; more than this is closed after its run.
const MOST: usize = 4;

struct Idle {
    sender: Sender,
    since: Instant,
}

static KEPT: Mutex<BTreeMap<Origin, Vec<Idle>>> = Mutex::new(BTreeMap::new());

/// The connection that was used last, and lately; it may have been closed meanwhile.
pub(super) fn take(origin: &Origin) -> Option<Sender> {
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let senders = kept.get_mut(origin)?;
    let last = senders.pop().filter(|idle| idle.since.elapsed() < LONGEST_IDLE);
    if senders.is_empty() || last.is_none() {
        // The others have stood idle for longer.
        kept.remove(origin);
    }
    last.map(|idle| idle.sender)
}

pub(super) fn keep(origin: Origin, sender: Sender) {
    if sender.is_closed() {
        return;
    }
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let senders = kept.entry(origin).or_default();
    senders.retain(|idle| !idle.sender.is_closed());
    if senders.len() < MOST {
        let since = Instant::now();
        senders.push(Idle { sender, since });
    }
}
