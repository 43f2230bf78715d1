//! Finds services that ask each other for their reports in a circle: `a` asks `b`, and `b` asks `a`. Each would wait for
//! the other until its time is up, and both would stay red.
//!
//! healthcheck-axum does this for you. You need this module if you serve a [`Report`](crate::Report) over a protocol of
//! your own, and another service asks it by `checks::upstream`.
//!
//! An `upstream` check sends the header [`VIA`]. Its value is the id of its process, and the ids of all processes whose
//! requests are being answered there at that moment. A server that finds its own id in the header refuses the request.
//! Which checks the request asks for makes no difference. So two services that ask each other for parts of their reports
//! use `checks::http`, which doesn't send the header.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

/// The name of the header that `checks::upstream` sends. Its value is a list of ids of processes, separated by commas.
pub const VIA: &str = "healthcheck-via";

/// At most this many ids are kept of a request, and passed on. They are no chain: they come from all requests that are
/// being answered, related or not, and a client may invent some. So more of them than this are no sign of a loop. The ids
/// of the latest requests' senders are passed on first, so a client that invents many ids pushes no sender out.
const MOST: usize = 64;

static OWN: LazyLock<String> =
    LazyLock::new(|| format!("{:016x}", RandomState::new().hash_one(std::process::id())));

/// The requests that are being answered, in the order in which they came.
static ASKING: Mutex<Asking> = Mutex::new(Asking {
    latest: 0,
    requests: BTreeMap::new(),
});

struct Asking {
    latest: u64,
    /// The ids in the header of each request. The first one is the sender.
    requests: BTreeMap<u64, Vec<String>>,
}

fn asking() -> MutexGuard<'static, Asking> {
    ASKING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A request by an upstream check, while this process answers it.
///
/// For each request that has the header [`VIA`], call [`by`](Self::by) with the header's value. Keep the result until the
/// answer is complete. If it is an error, refuse the request, over HTTP with the status 508.
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
    /// Reads the header's value, and keeps its ids until the value that this returns is dropped.
    ///
    /// # Errors
    /// The id of this process is among them: the request is part of a loop.
    pub fn by(header: &str) -> Result<Self, Loop> {
        let named = || header.split(',').map(str::trim);
        if named().any(|id| id == *OWN) {
            return Err(Loop(()));
        }
        // A client can't fill the memory with long ids, or with many.
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

/// An upstream check of this process has caused the request, directly or through other services.
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

/// The value of [`VIA`] in a request by this process.
#[cfg_attr(not(feature = "checks-http"), allow(dead_code))]
pub(crate) fn header_value() -> String {
    let asking = asking();
    let latest_first = || asking.requests.values().rev();
    // The search is bounded, since thousands of requests may name the same few ids.
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

    /// One test at a time, since the requests are kept for the whole process.
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
        // The next service has another id, so it must not see a loop.
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
        // With too many requests at once, the ids of the latest requests are sent.
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
