//! Detects loops of services that request each other's report. Without it, each service in a loop would wait for the
//! others until its timeout, and all of them would fail forever.
//!
//! An upstream check sends a header with the id of its process, and with the ids in all requests that this process is
//! answering. A server that finds its own id in the header refuses the request at once. It doesn't matter which checks
//! the request selects. Services that need parts of each other's reports use `http`, which doesn't send the header.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

/// The name of the header that `upstream` sends. Its value is a list of process ids, separated by commas.
pub const VIA: &str = "healthcheck-via";

/// The most foreign ids that are stored for a request, and that are sent.
///
/// The ids aren't a chain of callers: they come from all requests at the same time, related or not, and a client may
/// invent some. So more ids than this isn't an error and isn't a loop. `value` first takes the direct sender of each
/// request, the latest first. So a client that invents many ids can't displace the direct senders.
const MOST: usize = 64;

static OWN: LazyLock<String> =
    LazyLock::new(|| format!("{:016x}", RandomState::new().hash_one(std::process::id())));

/// The upstream requests that this process is answering, in order of arrival.
static ASKING: Mutex<Asking> = Mutex::new(Asking {
    latest: 0,
    requests: BTreeMap::new(),
});

struct Asking {
    latest: u64,
    /// The ids in the header of each request. The first is the id of the sender.
    requests: BTreeMap<u64, Vec<String>>,
}

fn asking() -> MutexGuard<'static, Asking> {
    ASKING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A request from the upstream check of another service, while this process answers it.
///
/// You need it only if your own server serves a [`Report`](crate::Report). Call [`by`](Self::by) with the value of the
/// request's header [`VIA`], and keep the result until the response is complete. If it returns [`Loop`], refuse the
/// request, in HTTP with status 508.
///
/// ```
/// use healthcheck::checks::Asked;
///
/// let asked = Asked::by("9ae16a3b2f90404f")?;
/// // … put the report together …
/// drop(asked);
/// # Ok::<(), healthcheck::checks::Loop>(())
/// ```
#[derive(Debug)]
#[must_use = "keep it until the answer is complete"]
pub struct Asked(u64);

impl Asked {
    /// Records a request by the value of its header [`VIA`].
    ///
    /// # Errors
    /// The header has the id of this process, so the request is part of a loop.
    pub fn by(header: &str) -> Result<Self, Loop> {
        let named = || header.split(',').map(str::trim);
        if named().any(|id| id == *OWN) {
            return Err(Loop(()));
        }
        // Ignore invalid ids and take at most `MOST`, so that a client can't fill the memory.
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

/// The error for a request that this service's own upstream check caused, directly or through other services.
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

/// Returns the header's value for a request from this process.
#[cfg_attr(not(feature = "checks-http"), allow(dead_code))]
pub(super) fn value() -> String {
    let asking = asking();
    let latest_first = || asking.requests.values().rev();
    // Limit how many ids are read, because thousands of requests may repeat the same few ids.
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

    /// Only one test runs at a time, because the list of requests is global in the process.
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
        let now = value();
        assert!(
            now.starts_with(OWN.as_str()) && now.contains(one) && !now.contains(other),
            "{now}"
        );
        drop(second);
        assert!(!value().contains(one));
    }

    #[test]
    fn a_request_of_its_own_is_a_loop() {
        let _turn = turn();
        assert_eq!(Asked::by(&value()).unwrap_err(), Loop(()));
        let through = format!("00000000000000b1, {}", OWN.as_str());
        assert!(Asked::by(&through).is_err());
    }

    #[test]
    fn many_who_ask_at_once_are_no_loop_and_a_loop_behind_them_is_found() {
        let _turn = turn();
        let many: Vec<String> = (0..200).map(|id| format!("{id:014x}c3")).collect();
        let invented = Asked::by(&many.join(",")).unwrap();
        assert_eq!(asking().requests[&invented.0].len(), MOST);
        let passed_on = value();
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
        assert!(value().contains(direct));
        drop((one, other));
        // With too many requests at once, the ids of the latest requests are sent.
        let old: Vec<Asked> = invented(0).iter().map(|id| Asked::by(id).unwrap()).collect();
        drop(real);
        let latest = Asked::by(direct).unwrap();
        assert!(value().contains(direct));
        drop((old, latest));
    }

    #[test]
    fn what_is_no_id_is_not_kept() {
        let _turn = turn();
        let asked = Asked::by("nonsense, \u{7f}, 123").unwrap();
        assert!(asking().requests[&asked.0].is_empty());
    }
}
