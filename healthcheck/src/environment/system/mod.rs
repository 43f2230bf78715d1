//! Reads values of the machine and of this process from the operating system. Each platform has its own file with the
//! same functions. If a platform doesn't provide a value, the value is `None`.
//!
//! On Linux, this module reads the kernel's files directly, even if the feature `sysinfo` is on. Reading these files
//! needs little code.
//!
//! The crate sysinfo has a side effect that a health page must not have: when sysinfo reads the process table, it
//! raises the process's soft limit of open files.

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

/// The memory of the machine, in bytes. [`super::cgroup`] reads the limit of a container.
///
/// Available memory is memory that the kernel can allocate without swapping: free memory + page cache of files (active
/// and inactive) + reclaimable slab. The environment page and the check `memory` use this definition for the memory of
/// a machine and for the memory of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Memory {
    pub(crate) total: u64,
    /// The available memory. On Linux it is `MemAvailable`, or the sum of its parts if the kernel doesn't provide
    /// `MemAvailable`.
    pub(crate) available: u64,
    pub(crate) swap_total: u64,
    pub(crate) swap_free: u64,
}

/// The load averages over one, five and fifteen minutes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Load {
    pub(crate) one: f64,
    pub(crate) five: f64,
    pub(crate) fifteen: f64,
}

/// The values that `uname -a` prints.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Uname {
    pub(crate) system: Option<String>,
    pub(crate) node: Option<String>,
    pub(crate) release: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) machine: Option<String>,
}

/// Data about this process from the operating system.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Process {
    /// The effective user id, on systems with numeric user ids.
    pub(crate) uid: Option<u32>,
    pub(crate) uptime: Option<Duration>,
    /// The physical memory that the process uses, in bytes.
    pub(crate) resident: Option<u64>,
    /// The size of the process's address space, in bytes.
    pub(crate) virtual_size: Option<u64>,
    pub(crate) threads: Option<u64>,
    pub(crate) open_files: Option<u64>,
    /// The soft limit of open files; `None` if there is no limit or if the limit is unknown.
    pub(crate) open_files_limit: Option<u64>,
}
