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

/// More services than this don't ask each other in a row.
const LONGEST: usize = 16;

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
    /// This process is among them, or they are more than 16.
    pub fn by(header: &str) -> Result<Self, Loop> {
        let ids: Vec<String> = header
            .split(',')
            .take(LONGEST + 1)
            .map(|id| id.trim().to_owned())
            .collect();
        if ids.contains(&*OWN) || ids.len() > LONGEST {
            return Err(Loop(()));
        }
        // Nobody fills the memory with an id that is none.
        let is_id = |id: &String| id.len() == OWN.len() && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let ids: Vec<String> = ids.into_iter().filter(is_id).collect();
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
    ids.extend(asking.keys().map(String::as_str));
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
        let many = vec!["00000000000000b2"; LONGEST + 1].join(",");
        assert!(Asked::by(&many).is_err());
    }

    #[test]
    fn what_is_no_id_is_not_kept() {
        let asked = Asked::by("nonsense, \u{7f}, 123").unwrap();
        assert!(asked.0.is_empty());
    }
}
