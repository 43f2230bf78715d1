//! Reads the limits of the container from the Linux control groups (cgroups) of this process, version 1 or 2.
//!
//! Groups are nested, and the limit of an outer group also applies to its inner groups. So this module reads every
//! group from the group of this process up to the root.
//!
//! `/proc/self/cgroup` contains the path of the group, and `/proc/self/mountinfo` contains the mount points. If the
//! process has a cgroup namespace, the path is `/`. Otherwise, the path is the group's path on the host.
//!
//! Systems other than Linux don't have `/proc/self/cgroup`, so this module finds no limits on such systems.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// The limits of this process. A field is `None` if there is no limit, or if the limit can't be read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Limits {
    pub(crate) memory: Option<MemoryLimit>,
    /// The number of CPUs that this process may use, such as 1.5.
    pub(crate) cpus: Option<f64>,
}

/// The memory limit of one group and the memory that the group uses, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MemoryLimit {
    pub(crate) limit: u64,
    /// The used memory, without the memory that the kernel reclaims before it kills a process: the page cache of files
    /// (active and inactive) and reclaimable slab. [`Memory::available`](super::system::Memory::available) counts this
    /// reclaimable memory as available.
    ///
    /// `None` if the used memory can't be read.
    pub(crate) used: Option<u64>,
}

impl MemoryLimit {
    /// Returns the memory that this group can still allocate, or `None` if the used memory is unknown.
    pub(crate) fn available(self) -> Option<u64> {
        self.used.map(|used| self.limit.saturating_sub(used))
    }
}

/// Returns the limits as JSON, with sizes in bytes. A field is `null` if there is no limit or if its value is unknown.
/// If the system has no cgroups, returns `null`.
pub(crate) fn collect() -> Value {
    limits().map_or(Value::Null, |limits| {
        json!({
            "memory_limit": limits.memory.map(|memory| memory.limit),
            "memory_used": limits.memory.and_then(|memory| memory.used),
            "memory_available": limits.memory.and_then(MemoryLimit::available),
            "cpu_limit": limits.cpus,
        })
    })
}

/// Reads the limits of this process again on each call, because an orchestrator may change them at any time.
pub(crate) fn limits() -> Option<Limits> {
    limits_below(Path::new("/"))
}

fn limits_below(root: &Path) -> Option<Limits> {
    let membership = fs::read_to_string(root.join("proc/self/cgroup")).ok()?;
    let mounts = fs::read_to_string(root.join("proc/self/mountinfo")).ok()?;
    let groups = |controller| Groups::find(root, &membership, &mounts, controller);
    Some(Limits {
        memory: groups("memory").and_then(|groups| groups.memory()),
        cpus: groups("cpu").and_then(|groups| groups.cpus()),
    })
}

/// The directories of this process's group and of its outer groups, from the innermost to the outermost.
struct Groups {
    unified: bool,
    directories: Vec<PathBuf>,
}

impl Groups {
    /// Finds the groups of this process for a controller such as `memory`.
    ///
    /// In version 1 of cgroups, a controller may have a separate hierarchy. If it has one, this function uses that
    /// hierarchy, even if version 2 is also mounted.
    fn find(root: &Path, membership: &str, mounts: &str, controller: &str) -> Option<Self> {
        let (path, unified) = match group_path(membership, |controllers| has(controllers, controller)) {
            Some(path) => (path, false),
            None => (group_path(membership, str::is_empty)?, true),
        };
        let mount = mounts
            .lines()
            .filter_map(Mount::parse)
            .find(|mount| match unified {
                true => mount.kind == "cgroup2",
                false => mount.kind == "cgroup" && has(mount.options, controller),
            })?;
        let top = root.join(mount.point.trim_start_matches('/'));
        // If the group isn't inside the mounted part of the hierarchy, this process can't see the group's directory. We
        // use the mount point instead, which is the directory of the nearest outer group that this process can see.
        let inside = Path::new(path).strip_prefix(&mount.root).unwrap_or(Path::new(""));
        let inside = if path.contains("..") {
            Path::new("")
        } else {
            inside
        };
        let directories = inside.ancestors().map(|part| top.join(part)).collect();
        Some(Self { unified, directories })
    }

    /// Returns the limit and the used memory of the group with the least available memory. If the used memory of a
    /// group can't be read, the group's whole limit counts as available.
    ///
    /// The group with the least available memory may be an outer group. For example, other containers may fill the pod
    /// while this container is far below its own limit.
    fn memory(&self) -> Option<MemoryLimit> {
        let limited = self.directories.iter().filter_map(|directory| {
            let file = match self.unified {
                true => "memory.max",
                false => "memory.limit_in_bytes",
            };
            let limit = number(&directory.join(file)).filter(|&limit| limit > 0 && limit < UNLIMITED_V1)?;
            let used = self.memory_used(directory);
            Some(MemoryLimit { limit, used })
        });
        limited.min_by_key(|memory| (memory.available().unwrap_or(memory.limit), memory.limit))
    }

    /// Returns the used memory of a group and its inner groups.
    ///
    /// In version 1 of cgroups, the entries of `memory.stat` with the prefix "total_" include the inner groups, and the
    /// entries without the prefix don't. Version 1 has no entry for reclaimable slab, so all slab counts as used.
    fn memory_used(&self, directory: &Path) -> Option<u64> {
        let (usage, reclaimable): (_, &[&str]) = match self.unified {
            true => (
                "memory.current",
                &["active_file", "inactive_file", "slab_reclaimable"],
            ),
            false => (
                "memory.usage_in_bytes",
                &["total_active_file", "total_inactive_file"],
            ),
        };
        let usage = number(&directory.join(usage))?;
        // Without `memory.stat`, the size of the page cache is unknown and can't be subtracted. Then the used memory is
        // unknown too.
        let stat = fs::read_to_string(directory.join("memory.stat")).ok()?;
        let entry = |line: &str| -> Option<u64> {
            let (name, bytes) = line.split_once(' ')?;
            reclaimable.contains(&name).then(|| bytes.trim().parse().ok())?
        };
        let reclaimable: u64 = stat.lines().filter_map(entry).fold(0, u64::saturating_add);
        Some(usage.saturating_sub(reclaimable))
    }

    fn cpus(&self) -> Option<f64> {
        let limits = self
            .directories
            .iter()
            .filter_map(|directory| match self.unified {
                true => {
                    let line = fs::read_to_string(directory.join("cpu.max")).ok()?;
                    let (quota, period) = line.trim().split_once(' ')?;
                    ratio(quota.parse().ok()?, period.parse().ok()?)
                }
                // In version 1, the quota -1 means that there is no limit. `number` returns `None` for -1, because -1
                // isn't a `u64`.
                false => ratio(
                    number(&directory.join("cpu.cfs_quota_us"))?,
                    number(&directory.join("cpu.cfs_period_us"))?,
                ),
            });
        limits.min_by(f64::total_cmp)
    }
}

/// In version 1 of cgroups, a limit of this size or larger means that there is no limit. For "no limit", the kernel
/// writes the largest multiple of the page size that a signed 64-bit number can hold.
const UNLIMITED_V1: u64 = 1 << 62;

fn number(file: &Path) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

fn ratio(quota: u64, period: u64) -> Option<f64> {
    // The quota and the period are in microseconds, and small enough for an exact `f64`.
    (period > 0).then(|| quota as f64 / period as f64)
}

/// Returns the path of the group in the first line for which `suits(controllers)` returns true. In the line
/// `4:cpu,cpuacct:/docker/1f2e`, the controllers are `cpu,cpuacct`, and the path is `/docker/1f2e`.
fn group_path(membership: &str, suits: impl Fn(&str) -> bool) -> Option<&str> {
    membership.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':');
        let (_id, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
        suits(controllers).then_some(path)
    })
}

fn has(list: &str, word: &str) -> bool {
    list.split(',').any(|entry| entry == word)
}

/// One line of `/proc/self/mountinfo`. The manual page proc(5) describes the format.
struct Mount<'a> {
    root: String,
    point: String,
    kind: &'a str,
    options: &'a str,
}

impl<'a> Mount<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (place, device) = line.split_once(" - ")?;
        let mut place = place.split(' ').skip(3);
        let mut device = device.split(' ');
        Some(Self {
            root: unescape(place.next()?),
            point: unescape(place.next()?),
            kind: device.next()?,
            options: device.nth(1)?,
        })
    }
}

/// Decodes a path of `/proc/self/mountinfo`. In this file, the kernel writes whitespace and backslashes as octal
/// numbers, such as `\040` for a space.
fn unescape(path: &str) -> String {
    path.replace("\\040", " ")
        .replace("\\011", "\t")
        .replace("\\012", "\n")
        .replace("\\134", "\\")
}

#[cfg(test)]
mod tests;
