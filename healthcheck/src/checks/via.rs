//! Services that ask each other for their reports must not do so in a circle: each would wait for the other until its
//! time is up, and both stay red for ever.
//!
//! An upstream check sends a header with the id of its own process and the ids of all that are asking this process
//! meanwhile. A server that finds its own id in there refuses the request at once. It doesn't look which checks are asked
//! for: two services that ask each other for parts of their reports do so with `http`, which sends no such header.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

/// The header that `upstream` sends: ids of processes, separated by commas.
pub const VIA: &str = "healthcheck-via";

/// So many others are noted of a request, and passed on. They are no row: whoever asks this process at the same time is
/// among them, related or not, and anybody may invent some; so there being more is nobody's fault, and no loop. Whom the
/// last requests came from goes first, one of each: nobody pushes out who asks directly by inventing many.
const MOST: usize = 64;

static OWN: LazyLock<String> =
    LazyLock::new(|| format!("{:016x}", RandomState::new().hash_one(std::process::id())));

/// The requests that are being answered, in the order they came in.
static ASKING: Mutex<Asking> = Mutex::new(Asking {
    latest: 0,
    requests: BTreeMap::new(),
});

struct Asking {
    latest: u64,
    /// The ids that each names: first that of the process which sent it.
    requests: BTreeMap<u64, Vec<String>>,
}

fn asking() -> MutexGuard<'static, Asking> {
    ASKING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A request by the upstream check of another service, while it is being answered.
///
/// For whoever serves a [`Report`](crate::Report) over a protocol of his own: call [`by`](Self::by) with the header
/// [`VIA`] of the request, keep the value until the answer is complete, and refuse the request (with HTTP: status 508)
/// where it is a loop.
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
    /// Notes who is asking, as the header's value names them.
    ///
    /// # Errors
    /// This process is among them.
    pub fn by(header: &str) -> Result<Self, Loop> {
        let named = || header.split(',').map(str::trim);
        if named().any(|id| id == *OWN) {
            return Err(Loop(()));
        }
        // Nobody fills the memory with an id that is none, or with very many.
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

/// This service is asked for its report by its own upstream check, directly or through others.
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

/// The header's value for a request of this process.
#[cfg_attr(not(feature = "checks-http"), allow(dead_code))]
pub(super) fn value() -> String {
    let asking = asking();
    let latest_first = || asking.requests.values().rev();
    // So many are looked at: in thousands of requests the same few may be named again and again.
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

    /// One test at a time: who asks is known to the whole process.
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
        // As the next one along sees it.
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
        // The ids of many requests at once: the last ones win.
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
