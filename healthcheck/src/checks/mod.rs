//! Ready-made checks, to be used inside an annotated function.
//!
//! Each is a function, or a small builder that ends in `.check()` or `.await`, and gives an [`Outcome`](crate::Outcome):
//! what was tried and what came back, without credentials. A failure of a network check names its layer first: `DNS`,
//! `connect`, `TLS`, `protocol` (no answer, or none that can be understood) or `verdict` (an answer that says no). What
//! can't be understood in a setting ("15 percent") is a failed outcome that says what to write instead, never a panic.
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
//! | check | passes while | feature | in a function that is |
//! |---|---|---|---|
//! | [`below`] | a value is below its limit | | any |
//! | [`once`] | a warm-up has finished | | any |
//! | [`Heartbeat`] | a worker beats | | any |
//! | [`error_rate`], [`ErrorRate`] | the application's own calls succeed | | any, with a probe async |
//! | [`file_exists`] | a file is there | | sync |
//! | [`file_fresh`] | a file was written lately | | sync |
//! | [`runtime_lag`] | tokio wakes tasks in time | | async |
//! | `dns` | a name has an address | `checks-net` | async |
//! | `tcp` | something accepts connections | `checks-net` | async |
//! | `http` | a web service answers as it should | `checks-http` | async |
//! | `upstream` | another service's own report says so | `checks-http` | async |
//! | `tls` | a certificate doesn't end soon | `checks-tls` | async |
//! | `redis` | Redis answers over the application's client | `checks-redis` | async |
//! | `sqlx` | a database answers over the application's pool | `checks-sqlx` | async |
//! | `tonic` | a gRPC server says that it serves | `checks-tonic` | async |
//! | `disk_space` | there is room for bytes and files | `checks-system` | sync |
//! | `memory` | there is memory, also within a container's limit | `checks-system` | any |
//! | `load` | the machine isn't overloaded | `checks-system` | any |
//! | `open_files` | the process can open more | `checks-system` | any |
//!
//! What a run costs stands with each. None opens a connection, a thread or a file a run and leaves it behind. What stays
//! between runs is one connection for a web server or a `redis::Client` that is asked (four, where four checks ask
//! it at once), and a name lookup that hangs, once a name.

// Sizes and "below" are only asked for by the checks of the machine.
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
mod shared;
mod span;
mod task;
#[cfg_attr(not(feature = "checks-system"), allow(dead_code))]
mod thresholds;

#[cfg(any(feature = "checks-http", feature = "checks-redis", feature = "checks-sqlx"))]
mod beside;
#[cfg(any(
    feature = "checks-http",
    feature = "checks-redis",
    feature = "checks-sqlx",
    feature = "checks-tls"
))]
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
mod via;

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
pub use via::{Asked, Loop, VIA};

// By their whole path, since the crates that they ask have the same names.
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
