//! Detects services that request each other's reports in a loop: `a` requests the report of `b`, and `b` requests the
//! report of `a`. Without this module, each service would wait for the other service until a timeout, and both would
//! keep failing.
//!
//! healthcheck-axum uses this module for you. You need the module only if you serve a [`Report`](crate::Report) over
//! your own protocol, and another service requests that report with `checks::upstream`.
//!
//! A `checks::upstream` check sends the header [`VIA`] with its request. The header contains the id of the process that
//! runs the check.
//!
//! While this process answers requests of other services' `checks::upstream` checks, the header also contains the ids
//! from the headers of those requests.
//!
//! A server that finds its own id in the header refuses the request. The server also refuses a request that selects
//! only some checks.
//!
//! If two services need parts of each other's reports, use `checks::http`, which doesn't send the header.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

/// The name of the header that `checks::upstream` sends. The header's value is a list of ids of processes, separated by
/// commas.
pub const VIA: &str = "healthcheck-via";

/// The maximum number of ids that we keep from one received request, and the maximum number of other processes' ids
/// that we send.
///
/// Many ids in a header don't prove that there is a loop. A busy process sends the ids from all requests that it is
/// answering.
///
/// The first id in a received header is the id of the process that sent the request to us. A client can fill its header
/// with invented ids. So we send the first ids of all received headers before all further ids. The invented ids of one
/// client can't displace the first ids of other clients.
const MOST: usize = 64;

static OWN: LazyLock<String> =
    LazyLock::new(|| format!("{:016x}", RandomState::new().hash_one(std::process::id())));

/// The requests that this process is answering, in the order of their arrival.
static ASKING: Mutex<Asking> = Mutex::new(Asking {
    latest: 0,
    requests: BTreeMap::new(),
});

struct Asking {
    latest: u64,
    /// The ids in the header of each request, by the request's number. The first id is that of the process that sent
    /// the request.
    requests: BTreeMap<u64, Vec<String>>,
}

fn asking() -> MutexGuard<'static, Asking> {
    ASKING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A request from a `checks::upstream` check of another process. The value exists while this process answers the
/// request.
///
/// For each request that has the header [`VIA`], call [`by`](Self::by) with the header's value. If `by` returns an
/// error, refuse the request; over HTTP, answer with the status 508. If `by` returns a value, keep this value until the
/// answer is complete.
///
/// ```
/// use healthcheck::upstream_loops::Asked;
///
/// let asked = Asked::by("9ae16a3b2f90404f")?;
/// // … answer with the report …
/// drop(asked);
/// # Ok::<(), healthcheck::upstream_loops::Loop>(())
/// ```
#[derive(Debug)]
#[must_use = "keep it until the answer is complete"]
pub struct Asked(u64);

impl Asked {
    /// Parses the value of the header [`VIA`]. Keeps the ids in it until the returned value is dropped.
    ///
    /// # Errors
    /// The header contains the id of this process, so the request is part of a loop.
    pub fn by(header: &str) -> Result<Self, Loop> {
        let named = || header.split(',').map(str::trim);
        if named().any(|id| id == *OWN) {
            return Err(Loop(()));
        }
        // A client could fill the memory with invented ids. So we limit the number of ids, and ignore each id whose
        // length differs from that of our own id.
        let is_id = |id: &&str| id.len() == OWN.len() && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let ids = named().filter(is_id).take(MOST).map(str::to_owned).collect();
        let mut asking = asking();
        asking.latest += 1;
        let request = asking.latest;
        asking.requests.insert(request, ids);
        Ok(Self(request))
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        asking().requests.remove(&self.0);
    }
}

/// The error for a request that is part of a loop. An upstream check of this process has caused the request, directly
/// or through other services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loop(());

impl fmt::Display for Loop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a loop: this service is asked for its report by its own upstream check; let one of both ask for a part \
             of the other with `checks::http`",
        )
    }
}

impl Error for Loop {}

/// Returns the value of the header [`VIA`] for a request that this process is about to send.
#[cfg_attr(not(feature = "checks-http"), allow(dead_code))]
pub(crate) fn header_value() -> String {
    let asking = asking();
    let latest_first = || asking.requests.values().rev();
    // We look at a limited number of ids, because thousands of requests can contain the same few ids.
    let direct = latest_first().flat_map(|ids| ids.first()).take(16 * MOST);
    let further = latest_first().flat_map(|ids| ids.iter().skip(1)).take(16 * MOST);
    let mut ids = vec![OWN.as_str()];
    for id in direct.chain(further).map(String::as_str) {
        if ids.len() > MOST {
            break;
        }
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids.join(", ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Lets only one test run at a time, because all tests of the process share `ASKING`.
    static TURN: Mutex<()> = Mutex::new(());

    fn turn() -> MutexGuard<'static, ()> {
        TURN.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[test]
    fn who_asks_is_passed_on_for_as_long_as_it_is_answered() {
        let _turn = turn();
        let (one, other) = ("00000000000000a1", "00000000000000a2");
        let first = Asked::by(&format!("{one},{other}")).unwrap();
        let second = Asked::by(one).unwrap();
        drop(first);
        let now = header_value();
        assert!(
            now.starts_with(OWN.as_str()) && now.contains(one) && !now.contains(other),
            "{now}"
        );
        drop(second);
        assert!(!header_value().contains(one));
    }

    #[test]
    fn a_request_of_its_own_is_a_loop() {
        let _turn = turn();
        assert_eq!(Asked::by(&header_value()).unwrap_err(), Loop(()));
        let through = format!("00000000000000b1, {}", OWN.as_str());
        assert!(Asked::by(&through).is_err());
    }

    #[test]
    fn many_who_ask_at_once_are_no_loop_and_a_loop_behind_them_is_found() {
        let _turn = turn();
        let many: Vec<String> = (0..200).map(|id| format!("{id:014x}c3")).collect();
        let invented = Asked::by(&many.join(",")).unwrap();
        assert_eq!(asking().requests[&invented.0].len(), MOST);
        let passed_on = header_value();
        assert!(passed_on.split(',').count() <= 1 + MOST);
        // Here, another id replaces our own id in the header. So there is no loop, and we must accept the header.
        assert!(Asked::by(&passed_on.replace(OWN.as_str(), "00000000000000c4")).is_ok());
        let behind = format!("{}, {}", many.join(","), OWN.as_str());
        assert!(Asked::by(&behind).is_err());
        drop(invented);
    }

    #[test]
    fn invented_ids_of_one_request_do_not_push_out_who_asks_directly() {
        let _turn = turn();
        let direct = "ffffffffffffffd5";
        let real = Asked::by(&format!("{direct}, 00000000000000d6")).unwrap();
        let invented = |from: usize| {
            (from..from + MOST)
                .map(|id| format!("{id:014x}d7"))
                .collect::<Vec<_>>()
        };
        let one = Asked::by(&invented(0).join(",")).unwrap();
        let other = Asked::by(&invented(MOST).join(",")).unwrap();
        assert!(header_value().contains(direct));
        drop((one, other));
        // If more requests than `MOST` are being answered, the header has the ids of the latest requests.
        let old: Vec<Asked> = invented(0).iter().map(|id| Asked::by(id).unwrap()).collect();
        drop(real);
        let latest = Asked::by(direct).unwrap();
        assert!(header_value().contains(direct));
        drop((old, latest));
    }

    #[test]
    fn what_is_no_id_is_not_kept() {
        let _turn = turn();
        let asked = Asked::by("nonsense, \u{7f}, 123").unwrap();
        assert!(asking().requests[&asked.0].is_empty());
    }
}
