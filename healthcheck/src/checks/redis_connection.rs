//! The connection of a `redis::Client`, which has none of its own, kept between runs.

use std::hash::{BuildHasher, RandomState};
use std::sync::{LazyLock, Mutex, PoisonError};

use ::redis::ConnectionInfo;
use ::redis::aio::MultiplexedConnection;
use tokio::time::Instant;

use super::idle::LONGEST_IDLE;

/// Server, database and user; of the password a hash with a secret of this process.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    server: String,
    database: i64,
    user: Option<String>,
    password: u64,
}

static SECRET: LazyLock<RandomState> = LazyLock::new(RandomState::new);

struct Kept {
    key: Key,
    connection: MultiplexedConnection,
    used: Instant,
}

/// A handful at most: one for each server that the configuration names.
static KEPT: Mutex<Vec<Kept>> = Mutex::new(Vec::new());

impl Key {
    fn of(info: &ConnectionInfo) -> Self {
        let redis = info.redis_settings();
        Self {
            // With the kind of address and how its certificate is checked.
            server: format!("{:?}", info.addr()),
            database: redis.db(),
            user: redis.username().map(str::to_owned),
            password: SECRET.hash_one(redis.password()),
        }
    }
}

/// The connection that was used lately.
pub(super) fn get(info: &ConnectionInfo) -> Option<MultiplexedConnection> {
    let key = Key::of(info);
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    kept.retain(|kept| kept.used.elapsed() < LONGEST_IDLE);
    let found = kept.iter_mut().find(|kept| kept.key == key)?;
    found.used = Instant::now();
    Some(found.connection.clone())
}

/// In the place of the one before.
pub(super) fn keep(info: &ConnectionInfo, connection: MultiplexedConnection) {
    let key = Key::of(info);
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    kept.retain(|kept| kept.key != key);
    let used = Instant::now();
    kept.push(Kept {
        key,
        connection,
        used,
    });
}

pub(super) fn forget(info: &ConnectionInfo) {
    let key = Key::of(info);
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    kept.retain(|kept| kept.key != key);
}
