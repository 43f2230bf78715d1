//! Ready-made checks. Call them inside an annotated function.
//!
//! Each is a function, or a builder that you finish with `.check()` or `.await`. It returns an
//! [`Outcome`](crate::Outcome) whose output has the request and its result, without credentials. The output of a failed
//! network check begins with the layer: `DNS`, `connect`, `TLS`, `protocol` (no valid response) or `verdict` (a valid
//! response that reports a failure). An invalid setting such as "15 percent" doesn't panic; the check fails with an
//! example of a valid one.
//!
//! ```
//! use std::time::Duration;
//!
//! use healthcheck::checks::{self, Heartbeat};
//! use healthcheck::Outcome;
//!
//! // #[health_check(liveness)]
//! fn consumer(beat: &Heartbeat) -> Outcome {
//!     beat.check()
//! }
//!
//! // #[health_check]
//! fn export() -> Outcome {
//!     checks::file_fresh("/var/spool/export.csv", Duration::from_secs(3600))
//! }
//! # consumer(&Heartbeat::new(Duration::from_secs(1)));
//! # export();
//! ```
//!
//! A green check proves only what it has checked, so the table lists the blind spots of each:
//!
//! | check | passes while | feature, function | cost of a run | doesn't see |
//! |---|---|---|---|---|
//! | [`below`], [`below_until`] | a value is below its limit | any | 1 µs | what happened between two runs |
//! | [`lag`] | a consumer isn't far behind | async | what the closure costs | whether the consumer moves |
//! | [`once`] | a warm-up has finished | any | a load | whether it still holds |
//! | [`task`](fn@task), [`Task`] | a background task runs | any | a load or a lock | a task that runs and does nothing |
//! | [`Heartbeat`] | a worker beats | any | 25 ns a beat | what it does between two beats |
//! | [`Progress`] | work that is in flight moves | any | 50 ns to begin, 50 ns to end | work that never begins, whether it succeeds |
//! | [`error_rate`], [`ErrorRate`] | the application's own calls succeed | any, with a probe async | 40 ns a call | calls that aren't recorded |
//! | [`file_exists`] | a file is there | sync | a `stat` | its content, whether it may be read |
//! | [`file_fresh`] | a file was written lately | sync | a `stat` | whether it is whole or empty |
//! | [`runtime_lag`] | tokio wakes tasks in time | async | a timer, 10 ms of waiting | stalls between two runs, other runtimes |
//! | `dns` | a name has an address | `checks-net`, async | a lookup | caches, `/etc/hosts`, search domains, whether it is the right one |
//! | `tcp` | something accepts connections | `checks-net`, async | a lookup, a connection | a process that hangs |
//! | `http` | a web service answers as it should | `checks-http`, async | a lookup, a connection, a request | other addresses of the name, caches between |
//! | `upstream` | another service's own report says so | `checks-http`, async | the same, and the other's checks | other instances behind the name |
//! | `tls` | no certificate of the path ends soon | `checks-tls`, async | a connection, a handshake | revocation, other addresses of the name |
//! | `redis` | Redis answers, with `writable` takes writes | `checks-redis`, async | with a client a connection, else a PING | other nodes, how stale a replica is |
//! | `sqlx` | a database answers, takes writes, or says yes to a question in SQL | `checks-sqlx`, async | a round trip or two | tables that weren't asked for; new clients, while the pool has a connection |
//! | `tonic` | a gRPC server says that it serves | `checks-tonic`, async | a call | new clients, other servers of a balanced channel |
//! | `disk_space` | there is room for bytes and files, and it isn't read-only | `checks-system`, sync | a system call | permissions, quotas |
//! | `memory` | there is memory, also within a container's limit | `checks-system`, any | 100 µs | swap, `memory.high`, peaks |
//! | `load` | the machine isn't overloaded | `checks-system`, any | 5 µs | a container's own CPU limit |
//! | `open_files` | the process can open more | `checks-system`, any | 20 µs | the whole machine's limit |
//!
//! - **Network checks see what a new client sees.** `http`, `upstream`, `tls` and `redis` with a client look the name up
//!   and open a new connection for each run.
//! - **Limits have a margin.** After crossing a limit, a check recovers only 2 % of the limit beyond it, or the `margin`
//!   that you set. So a value that swings around its limit causes one transition.
//! - **An unknown value passes**, with the output "unknown, because …". It must not remove an instance from service.
//! - **A run leaves nothing behind**: no connection, thread or file. The only exception: name lookups that hang, at most
//!   one for each name. The application's own pools and clients keep their connections.

// Only the checks of the feature `checks-system` use sizes and lower limits.
#[cfg_attr(not(feature = "checks-system"), allow(dead_code))]
mod amount;
mod below;
mod calls;
mod error_rate;
mod file_exists;
mod file_fresh;
mod heartbeat;
mod held;
mod lag;
mod once;
mod progress;
mod runtime_lag;
#[allow(dead_code)] // Only the network checks record their targets.
mod shared;
mod span;
mod task;
#[cfg_attr(not(feature = "checks-system"), allow(dead_code))]
mod thresholds;

#[cfg(any(feature = "checks-http", feature = "checks-redis", feature = "checks-sqlx"))]
#[allow(dead_code)] // Each check uses only a part of this module.
mod beside;
#[cfg(any(
    feature = "checks-http",
    feature = "checks-redis",
    feature = "checks-sqlx",
    feature = "checks-tls",
    feature = "checks-tonic"
))]
#[allow(dead_code)] // Each check uses only a part of this module.
mod deadline;
#[cfg(feature = "checks-net")]
mod dial;
#[cfg(feature = "checks-net")]
mod dns;
#[cfg(any(feature = "checks-net", feature = "checks-sqlx", feature = "checks-tonic"))]
mod layer;
#[cfg(feature = "checks-net")]
mod resolve;
#[cfg(feature = "checks-net")]
mod tcp;

#[cfg(feature = "checks-http")]
mod exchange;
#[cfg(feature = "checks-http")]
mod http;
#[cfg(feature = "checks-http")]
mod target;
#[cfg(any(feature = "checks-http", feature = "checks-tls"))]
mod trust;
#[cfg(feature = "checks-http")]
mod upstream;

#[cfg(feature = "checks-tls")]
mod certificate_path;
#[cfg(feature = "checks-tls")]
mod tls;

#[cfg(feature = "checks-redis")]
mod redis;
#[cfg(feature = "checks-sqlx")]
mod sqlx;
#[cfg(feature = "checks-sqlx")]
mod sqlx_question;
#[cfg(feature = "checks-tonic")]
mod tonic;

#[cfg(feature = "checks-system")]
mod disk_space;
#[cfg(feature = "checks-system")]
mod file_system;
#[cfg(feature = "checks-system")]
mod load;
#[cfg(feature = "checks-system")]
mod memory;
#[cfg(feature = "checks-system")]
mod open_files;

pub use below::{below, below_until};
pub use error_rate::{ErrorRate, error_rate};
pub use file_exists::file_exists;
pub use file_fresh::file_fresh;
pub use heartbeat::Heartbeat;
pub use lag::{IntoLag, Lag, LagRun, LagValue, lag};
pub use once::{Flag, once};
pub use progress::{Progress, Work};
pub use runtime_lag::{RuntimeLag, runtime_lag};
pub use task::{BackgroundTask, Task, task};

#[cfg(feature = "checks-net")]
pub use dns::{Dns, dns};
#[cfg(feature = "checks-net")]
pub use tcp::{Tcp, tcp};

#[cfg(feature = "checks-http")]
pub use http::{Http, http};
#[cfg(feature = "checks-tls")]
pub use tls::{Tls, tls};
#[cfg(feature = "checks-http")]
pub use upstream::{Upstream, upstream};

// With the full path, because the client crates have the same names.
#[cfg(feature = "checks-redis")]
pub use self::redis::{Redis, RedisClient, redis};
#[cfg(feature = "checks-sqlx")]
pub use self::sqlx::{Sqlx, sqlx};
#[cfg(feature = "checks-tonic")]
pub use self::tonic::{Tonic, tonic};

#[cfg(feature = "checks-system")]
pub use disk_space::{DiskSpace, disk_space};
#[cfg(feature = "checks-system")]
pub use load::{Load, load};
#[cfg(feature = "checks-system")]
pub use memory::{Memory, memory};
#[cfg(feature = "checks-system")]
pub use open_files::{OpenFiles, open_files};
