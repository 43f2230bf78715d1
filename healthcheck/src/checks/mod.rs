//! Ready-made checks. Call them inside an annotated function.
//!
//! A ready-made check is a function that returns an [`Outcome`](crate::Outcome), or a builder that you finish with
//! `.check()` or `.await` to get the outcome. The output of the outcome shows what was checked and what was found,
//! without credentials.
//!
//! The output of a failed network check begins with the layer: `DNS`, `connect`, `TLS`, `protocol` (no valid response)
//! or `verdict` (a valid response that reports a failure).
//!
//! An invalid setting such as "15 percent" doesn't cause a panic. Instead, the check fails, and the output shows a
//! valid example.
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
//! The third column of this table shows the Cargo feature that a check needs, and the kind of function from which you
//! call the check: sync, async or any. The last column lists problems that a check doesn't see: while the check passes,
//! these problems may exist.
//!
//! | check | passes while | feature, function | cost of a run | doesn't see |
//! |---|---|---|---|---|
//! | [`below`], [`below_until`] | a value is below its limit | any | 1 µs | what happened between two runs |
//! | [`lag`] | a consumer isn't far behind | async | as much as reading the lag | whether the consumer works |
//! | [`once`] | a one-time task has finished | any | an atomic load | whether the result of the task still exists |
//! | [`task`](fn@task), [`Task`] | a background task runs | any | an atomic load or a lock | that a task runs but does nothing |
//! | [`Heartbeat`] | a worker regularly calls `beat` | any | 25 ns a beat | what the worker does between two beats |
//! | [`Progress`] | work in flight makes progress | any | 50 ns to begin, 50 ns to end | that work never begins, whether work succeeds |
//! | [`error_rate`], [`ErrorRate`] | the application's own calls succeed | any; with a probe: async | 40 ns a call | calls that aren't recorded |
//! | [`file_exists`] | a file exists | sync | a `stat` | the file's content, whether the process may read the file |
//! | [`file_fresh`] | a file was written recently | sync | a `stat` | whether the file is complete or empty |
//! | [`runtime_lag`] | tokio wakes tasks in time | async | a timer, 10 ms of waiting | stalls between two runs, other runtimes |
//! | `dns` | a name has an address | `checks-net`, async | a lookup | caches, `/etc/hosts`, search domains, whether the address is the right one |
//! | `tcp` | a server accepts connections | `checks-net`, async | a lookup, a connection | that a process hangs |
//! | `http` | a web service sends the expected response | `checks-http`, async | a lookup, a connection, a request | other addresses of the name, caches in between |
//! | `upstream` | another service's own report is a success | `checks-http`, async | as much as `http`, and a run of the other service's checks | other instances behind the name |
//! | `tls` | no certificate of the path expires soon | `checks-tls`, async | a connection, a handshake | revocation, other addresses of the name |
//! | `redis` | Redis answers, and with `writable` also accepts writes | `checks-redis`, async | with a `redis::Client` a connection, otherwise a PING | other nodes, how stale a replica is |
//! | `sqlx` | a database answers, accepts writes, or meets a condition in SQL | `checks-sqlx`, async | a round trip or two | tables that no query reads; whether new clients can connect, while the pool has a connection |
//! | `tonic` | a gRPC server reports that it serves | `checks-tonic`, async | a call | whether new clients can connect, other servers of a balanced channel |
//! | `disk_space` | a file system has free space and free files, and isn't read-only | `checks-system`, sync | a system call | permissions, quotas |
//! | `memory` | memory is available, also within a container's limit | `checks-system`, any | 100 µs | swap, `memory.high`, peaks |
//! | `load` | the machine isn't overloaded | `checks-system`, any | 5 µs | a container's own CPU limit |
//! | `open_files` | the process can open more files | `checks-system`, any | 20 µs | the whole machine's limit |
//!
//! - **Network checks see what a new client sees.** `tcp`, `http`, `upstream` and `tls` look the name up and open a new
//!   connection for each run. If you pass a `redis::Client` to `redis`, it does the same.
//! - **Limits have a margin.** After a value has crossed a limit, the check recovers only once the value is back on the
//!   good side by a margin: 2 % of the limit, or the `margin` that you set. The margin prevents a change of status at
//!   each crossing.
//! - **An unknown value passes**, with the output "unknown, because …". An unknown value must not remove an instance
//!   from service.
//! - **A run leaves no connection, thread or file behind**, except that a name lookup that hangs keeps its thread.
//!   There is at most one such lookup for each name.

// Parts of the module `amount` are used only by the checks of the feature `checks-system`.
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
#[allow(dead_code)] // Without the network checks, a part of this module is unused.
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

// The paths begin with `self::`, because the modules `redis`, `sqlx` and `tonic` have the same names as the client
// crates.
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
