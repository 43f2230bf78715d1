//! What the operating system tells about the machine and this process: the same questions on every platform, one
//! file per way of answering. What a platform doesn't tell is `None`.
//!
//! On Linux the kernel's files are read directly, with or without the feature `sysinfo`: it is a handful of lines,
//! and sysinfo's own process table raises the process's soft limit of open files as a side effect, which a health
//! page must never do.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as platform;

#[cfg(all(not(target_os = "linux"), feature = "sysinfo"))]
mod portable;
#[cfg(all(not(target_os = "linux"), feature = "sysinfo"))]
use portable as platform;

#[cfg(all(not(target_os = "linux"), not(feature = "sysinfo")))]
mod unknown;
#[cfg(all(not(target_os = "linux"), not(feature = "sysinfo")))]
use unknown as platform;

use std::time::Duration;

pub(crate) use platform::{load, memory, online_cpus, process, uname, user};

/// The machine's memory, in bytes. A container's limit isn't in it, see [`super::cgroup`].
///
/// Available memory has one definition here, for the machine, for a container, in `/environment` and in the check
/// `memory`: memory that the kernel can hand out without swapping. It is free memory, plus the page cache of files (active and
/// inactive), plus reclaimable slab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Memory {
    pub(crate) total: u64,
    /// `MemAvailable` of Linux, or the same sum where the kernel doesn't write it.
    pub(crate) available: u64,
    pub(crate) swap_total: u64,
    pub(crate) swap_free: u64,
}

/// The average length of the run queue over one, five and fifteen minutes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Load {
    pub(crate) one: f64,
    pub(crate) five: f64,
    pub(crate) fifteen: f64,
}

/// What `uname -a` prints.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Uname {
    pub(crate) system: Option<String>,
    pub(crate) node: Option<String>,
    pub(crate) release: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) machine: Option<String>,
}

/// What the operating system knows about this process.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Process {
    /// The effective user id, where users have numbers.
    pub(crate) uid: Option<u32>,
    pub(crate) uptime: Option<Duration>,
    /// Bytes of memory in use.
    pub(crate) resident: Option<u64>,
    /// Bytes of address space.
    pub(crate) virtual_size: Option<u64>,
    pub(crate) threads: Option<u64>,
    pub(crate) open_files: Option<u64>,
    /// The soft limit of open files; `None` also where there is none.
    pub(crate) open_files_limit: Option<u64>,
}
