//! The limits of the container: reads the Linux control groups (cgroups) of this process, version 1 or 2.
//!
//! The limit of an outer group applies to all groups inside it, so every group from the process's group up to the root
//! counts. `/proc/self` has the path of the process's group and the mount points. In a cgroup namespace, the path of the
//! group is `/`. Without a namespace, it is the path on the host. On other systems these files don't exist, so there are
//! no limits.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// The limits of this process. `None` means that there is no limit, or that the limit can't be read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Limits {
    pub(crate) memory: Option<MemoryLimit>,
    /// The number of CPUs, such as 1.5.
    pub(crate) cpus: Option<f64>,
}

/// The limit and use of one group, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MemoryLimit {
    pub(crate) limit: u64,
    /// The used memory, without the memory that the kernel reclaims before it kills a process: the page cache of files
    /// (active and inactive) and reclaimable slab. This matches the definition of
    /// [`Memory::available`](super::system::Memory::available). `None` if the used memory can't be read.
    pub(crate) used: Option<u64>,
}

impl MemoryLimit {
    /// Returns the memory that this group can still allocate.
    pub(crate) fn available(self) -> Option<u64> {
        self.used.map(|used| self.limit.saturating_sub(used))
    }
}

/// Returns the limits as JSON, with sizes in bytes. A field is `null` if there is no such limit. Without cgroups, returns
/// `null`.
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

/// Reads the limits of this process. It doesn't cache them, because an orchestrator may change them at any time.
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

/// The directories of this process's group and its outer groups, innermost first.
struct Groups {
    unified: bool,
    directories: Vec<PathBuf>,
}

impl Groups {
    /// Finds the groups of a controller such as `memory`. If the controller has a hierarchy of version 1, that hierarchy
    /// applies, even if version 2 is also mounted.
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
        // If the group isn't inside the mounted part of the hierarchy, this process can't see the group's directory. Then
        // use the mount point, which is the directory of the nearest outer group.
        let inside = Path::new(path).strip_prefix(&mount.root).unwrap_or(Path::new(""));
        let inside = if path.contains("..") {
            Path::new("")
        } else {
            inside
        };
        let directories = inside.ancestors().map(|part| top.join(part)).collect();
        Some(Self { unified, directories })
    }

    /// Returns the limit and use of the group with the least available memory. That may be an outer group: other
    /// containers may fill the pod while this container is far below its own limit. If the use of a group can't be read,
    /// its whole limit counts as available.
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

    /// Returns the used memory of a group, including its inner groups. In `memory.stat` of version 1, only entries with
    /// the prefix "total_" include inner groups. Version 1 has no entry for slab.
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
        // Without `memory.stat`, the page cache is unknown and would count as used. Then return `None`.
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
                // A quota of -1 means no limit. It doesn't parse as `u64`.
                false => ratio(
                    number(&directory.join("cpu.cfs_quota_us"))?,
                    number(&directory.join("cpu.cfs_period_us"))?,
                ),
            });
        limits.min_by(f64::total_cmp)
    }
}

/// Version 1 has no word for "no limit". It shows the largest multiple of the page size that a signed 64-bit number can
/// hold. That is above this constant, and no real limit is.
const UNLIMITED_V1: u64 = 1 << 62;

fn number(file: &Path) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

fn ratio(quota: u64, period: u64) -> Option<f64> {
    // Both numbers are in microseconds, and small enough that `f64` is exact.
    (period > 0).then(|| quota as f64 / period as f64)
}

/// Finds the first line like `4:cpu,cpuacct:/docker/1f2e` with matching controllers, and returns its path.
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

/// A line of `/proc/self/mountinfo`; see proc(5).
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

/// Decodes a path: the kernel writes whitespace and backslashes as octal numbers.
fn unescape(path: &str) -> String {
    path.replace("\\040", " ")
        .replace("\\011", "\t")
        .replace("\\012", "\n")
        .replace("\\134", "\\")
}

#[cfg(test)]
mod tests;
