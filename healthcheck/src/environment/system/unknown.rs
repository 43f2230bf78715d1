//! Reads the values on systems other than Linux if the feature `sysinfo` is off. Then only values from the standard
//! library are known.

use super::{Load, Memory, Process, Uname};

pub(crate) const fn memory() -> Option<Memory> {
    None
}

pub(crate) const fn load() -> Option<Load> {
    None
}

pub(crate) fn uname() -> Uname {
    Uname {
        machine: Some(std::env::consts::ARCH.to_owned()),
        ..Uname::default()
    }
}

pub(crate) const fn online_cpus() -> Option<usize> {
    None
}

pub(crate) fn process() -> Process {
    Process::default()
}

/// Returns the user's name from the environment variable `USER` or `USERNAME`, which a login usually sets.
pub(crate) fn user(_process: &Process) -> Option<String> {
    ["USER", "USERNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok())
}
