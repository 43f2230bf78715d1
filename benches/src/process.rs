//! Reads the resources that a process uses, from Linux's `/proc`.

use std::fs;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::Result;

/// Returns the processor time that all threads of this process together have used so far.
#[must_use]
pub fn own_cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(
        time.tv_sec.try_into().unwrap_or_default(),
        time.tv_nsec.try_into().unwrap_or_default(),
    )
}

/// Returns the processor time that the process with this id has used so far, with a resolution of 10 ms.
///
/// # Errors
/// Returns an error if the process or `/proc` doesn't exist.
pub fn cpu(id: u32) -> Result<Duration> {
    let [user, system, ..] = times(&id.to_string())?;
    Ok(user + system)
}

/// Returns the processor time that the running threads of a process have used so far, with a resolution of nanoseconds.
/// The sum doesn't include threads that have ended.
///
/// # Errors
/// Returns an error if the process or `/proc` doesn't exist.
pub fn cpu_of_threads(id: u32) -> Result<Duration> {
    let mut nanoseconds = 0;
    for thread in fs::read_dir(format!("/proc/{id}/task"))? {
        let text = fs::read_to_string(thread?.path().join("schedstat"))?;
        let first = text.split_whitespace().next().ok_or("a thread without times")?;
        nanoseconds += first.parse::<u64>()?;
    }
    Ok(Duration::from_nanos(nanoseconds))
}

/// Returns the processor time of the child processes of this process, and of their own child processes. The sum
/// includes a process only after it has ended and its parent has waited for it.
///
/// # Errors
/// Returns an error if `/proc` doesn't exist.
pub fn cpu_of_children() -> Result<Duration> {
    let [_, _, user, system] = times("self")?;
    Ok(user + system)
}

/// Returns the user time and the system time of a process, and then the user time and the system time of its child
/// processes.
fn times(process: &str) -> Result<[Duration; 4]> {
    let text = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The file contains the name of the process in parentheses, and this name may itself contain `)`. So the numbers
    // begin after the last `)`.
    let (_, fields) = text.rsplit_once(')').ok_or("a process without a name")?;
    let mut fields = fields.split_whitespace().skip(11).map(str::parse);
    let mut next = || -> Result<Duration> {
        let ticks: u64 = fields.next().ok_or("a process without times")??;
        Ok(Duration::from_millis(ticks * 10))
    };
    Ok([next()?, next()?, next()?, next()?])
}

/// The resources that a process uses at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Held {
    /// The resident memory in bytes.
    pub memory: u64,
    /// The resident memory that holds no pages of a file, in bytes.
    pub anonymous: u64,
    /// The number of threads.
    pub threads: u64,
    /// The number of open files, including sockets.
    pub files: u64,
}

/// Returns the resources that the process with this id uses now.
///
/// # Errors
/// Returns an error if the process or `/proc` doesn't exist.
pub fn held(id: u32) -> Result<Held> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let field = |name: &str| -> Result<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|rest| rest.split_whitespace().next());
        Ok(number
            .ok_or("a field is missing in the process' status")?
            .parse()?)
    };
    Ok(Held {
        memory: field("VmRSS:")? * 1024,
        anonymous: field("RssAnon:")? * 1024,
        threads: field("Threads:")?,
        files: fs::read_dir(format!("/proc/{id}/fd"))?.count() as u64,
    })
}
