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
use std::sync::{LazyLock, Mutex, PoisonError};

/// The header that `upstream` sends: ids of processes, separated by commas.
pub const VIA: &str = "healthcheck-via";

/// So many others are noted of a request, and passed on. They are no row: whoever asks this process at the same time is
/// among them, related or not, and anybody may invent some; so there being more is nobody's fault, and no loop.
const MOST: usize = 64;

static OWN: LazyLock<String> =
    LazyLock::new(|| format!("{:016x}", RandomState::new().hash_one(std::process::id())));

/// How many requests of each process are being answered.
static ASKING: Mutex<BTreeMap<String, usize>> = Mutex::new(BTreeMap::new());

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
pub struct Asked(Vec<String>);

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
        let ids: Vec<String> = named().filter(is_id).take(MOST).map(str::to_owned).collect();
        let mut asking = ASKING.lock().unwrap_or_else(PoisonError::into_inner);
        for id in &ids {
            let count = asking.entry(id.clone()).or_default();
            *count = count.saturating_add(1);
        }
        Ok(Self(ids))
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        let mut asking = ASKING.lock().unwrap_or_else(PoisonError::into_inner);
        for id in &self.0 {
            if let Some(count) = asking.get_mut(id) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    asking.remove(id);
                }
            }
        }
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
    let asking = ASKING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut ids = vec![OWN.as_str()];
    ids.extend(asking.keys().map(String::as_str).take(MOST));
    ids.join(", ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn who_asks_is_passed_on_for_as_long_as_it_is_answered() {
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
        assert_eq!(Asked::by(&value()).unwrap_err(), Loop(()));
        let through = format!("00000000000000b1, {}", OWN.as_str());
        assert!(Asked::by(&through).is_err());
    }

    #[test]
    fn many_who_ask_at_once_are_no_loop_and_a_loop_behind_them_is_found() {
        let many: Vec<String> = (0..200).map(|id| format!("{id:014x}c3")).collect();
        let invented = Asked::by(&many.join(",")).unwrap();
        assert_eq!(invented.0.len(), MOST);
        let passed_on = value();
        assert!(passed_on.split(',').count() <= 1 + MOST);
        // As the next one along sees it.
        assert!(Asked::by(&passed_on.replace(OWN.as_str(), "00000000000000c4")).is_ok());
        let behind = format!("{}, {}", many.join(","), OWN.as_str());
        assert!(Asked::by(&behind).is_err());
        drop(invented);
    }

    #[test]
    fn what_is_no_id_is_not_kept() {
        let asked = Asked::by("nonsense, \u{7f}, 123").unwrap();
        assert!(asked.0.is_empty());
    }
}
