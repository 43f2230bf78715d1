//! Resolves host names with the system's resolver.
//!
//! A lookup is a system call that blocks its thread and can't be cancelled. If a name server is dead, the lookup blocks
//! for half a minute.
//!
//! Each lookup runs on a separate thread of the operating system. This thread doesn't delay the shutdown of a tokio
//! runtime, and isn't a thread of the runtime's blocking pool.
//!
//! Each host name has at most one running lookup. If another caller wants the same name, the caller waits for the
//! answer of the running lookup.

use std::collections::BTreeMap;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use super::span::span;

/// The result of a lookup: at least one address, or an error. The text of the error doesn't contain the host name.
pub(super) type Addresses = Result<Vec<IpAddr>, String>;

pub(super) async fn resolve(host: &str, limit: Duration) -> Addresses {
    match host.parse() {
        Ok(address) => Ok(vec![address]),
        Err(_) => resolve_by(system_resolver, host, limit).await,
    }
}

async fn resolve_by(lookup: fn(&str) -> Addresses, host: &str, limit: Duration) -> Addresses {
    let mut answer = join_or_start(lookup, host);
    let first = async {
        answer
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|answer| answer.clone())
    };
    match timeout(limit, first).await {
        Ok(Some(answer)) => answer,
        Ok(None) => Err("the lookup ended without an answer".to_owned()),
        Err(_) => Err(format!("no answer within {}", span(limit))),
    }
}

type Lookup = watch::Receiver<Option<Addresses>>;

static UNDER_WAY: Mutex<BTreeMap<String, Lookup>> = Mutex::new(BTreeMap::new());

fn join_or_start(lookup: fn(&str) -> Addresses, host: &str) -> Lookup {
    let (sender, receiver) = watch::channel(None);
    {
        let mut under_way = UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(same) = under_way.get(host) {
            return same.clone();
        }
        under_way.insert(host.to_owned(), receiver.clone());
    }
    let entry = Entry(host.to_owned());
    // `spawn` may fail to start the thread. It then drops the closure with `entry` and `sender`. Dropping `sender` ends
    // the lookup with an error for every caller that waits for it.
    let _detached = thread::Builder::new()
        .name("healthcheck-dns".to_owned())
        .spawn(move || {
            let answer = lookup(&entry.0);
            drop(entry);
            sender.send_replace(Some(answer));
        });
    receiver
}

/// A host name whose lookup is running. Dropping the `Entry` removes the name from `UNDER_WAY`, the map of running
/// lookups.
struct Entry(String);

impl Drop for Entry {
    fn drop(&mut self) {
        UNDER_WAY
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.0);
    }
}

fn system_resolver(host: &str) -> Addresses {
    let mut addresses: Vec<IpAddr> = (host, 0)
        .to_socket_addrs()
        .map_err(|error| error.to_string())?
        .map(|address| address.ip())
        .collect();
    // Remove duplicates, because the resolver returns each address once for each socket type. Don't sort the addresses,
    // because the resolver has ordered them by preference.
    addresses.dedup();
    if addresses.is_empty() {
        return Err("the name has no address".to_owned());
    }
    Ok(addresses)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::{Condvar, MutexGuard};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn a_numeric_address_is_its_own_answer() {
        assert_eq!(resolve("::1", LIMIT).await, Ok(vec!["::1".parse().unwrap()]));
    }

    #[tokio::test]
    async fn a_name_that_cannot_be_is_refused_without_any_server() {
        // A label of a DNS name has at most 63 characters, so a label of 64 characters is invalid.
        let name = format!("{}.invalid", "x".repeat(64));
        assert!(resolve(&name, LIMIT).await.is_err());
        assert!(UNDER_WAY.lock().unwrap().get(&name).is_none());
    }

    #[tokio::test]
    async fn a_lookup_that_hangs_is_left_behind_once_and_not_started_again() {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        static GATE: (Mutex<bool>, Condvar) = (Mutex::new(false), Condvar::new());
        fn hanging(_: &str) -> Addresses {
            STARTED.fetch_add(1, Ordering::SeqCst);
            let open: MutexGuard<'_, bool> =
                GATE.1.wait_while(GATE.0.lock().unwrap(), |open| !*open).unwrap();
            drop(open);
            Ok(vec!["192.0.2.7".parse().unwrap()])
        }
        for _ in 0..5 {
            let answer = resolve_by(hanging, "hangs.example", Duration::from_millis(20)).await;
            assert_eq!(answer, Err("no answer within 20 ms".to_owned()));
        }
        let late = tokio::spawn(resolve_by(hanging, "hangs.example", LIMIT));
        tokio::task::yield_now().await;
        *GATE.0.lock().unwrap() = true;
        GATE.1.notify_all();
        assert_eq!(late.await.unwrap(), Ok(vec!["192.0.2.7".parse().unwrap()]));
        assert_eq!(STARTED.load(Ordering::SeqCst), 1);
        assert!(UNDER_WAY.lock().unwrap().get("hangs.example").is_none());
    }

    #[tokio::test]
    async fn a_resolver_that_dies_leaves_no_entry() {
        fn dying(_: &str) -> Addresses {
            // `resume_unwind` panics without calling the panic hook, which would print a message.
            std::panic::resume_unwind(Box::new("gone"));
        }
        let answer = resolve_by(dying, "dies.example", LIMIT).await;
        assert_eq!(answer, Err("the lookup ended without an answer".to_owned()));
        assert!(UNDER_WAY.lock().unwrap().get("dies.example").is_none());
    }
}
