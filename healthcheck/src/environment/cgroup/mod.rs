//! The limits of the container: what the control groups of Linux, version 1 or 2, allow this process.
//!
//! A limit of an outer group holds for all inside it, so the smallest on the way up counts. Where the process sits
//! and where the groups are mounted is read from `/proc/self`, since a container may see its group as the root
//! (with a namespace of its own) or by the host's path (without). Other systems have no such files: nothing to know.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// What this process may use. `None` means no limit, or one that couldn't be read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Limits {
    pub(crate) memory: Option<MemoryLimit>,
    /// A number of CPUs, as in 1.5.
    pub(crate) cpus: Option<f64>,
}

/// Both in bytes and of the same group, so that their ratio means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MemoryLimit {
    pub(crate) limit: u64,
    /// Without the memory that the kernel reclaims before it kills: the page cache of files, active and inactive, and
    /// reclaimable slab. The complement of [`Memory::available`](super::system::Memory::available). `None` where it
    /// can't be read.
    pub(crate) used: Option<u64>,
}

impl MemoryLimit {
    /// The memory that this group can still take.
    pub(crate) fn available(self) -> Option<u64> {
        self.used.map(|used| self.limit.saturating_sub(used))
    }
}

/// Sizes in bytes, CPUs as a number of them. `null` inside means no limit, for the whole no control groups.
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

/// The limits of this process, read anew: an orchestrator may change them while it runs.
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

/// The directories of the group that this process is in and of those around it, innermost first.
struct Groups {
    unified: bool,
    directories: Vec<PathBuf>,
}

impl Groups {
    /// A controller that has a hierarchy of its own is version 1's, even where version 2 is mounted beside it.
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
        // A group outside of what is mounted here has no directory; then the mount itself is the nearest one around.
        let inside = Path::new(path).strip_prefix(&mount.root).unwrap_or(Path::new(""));
        let inside = if path.contains("..") {
            Path::new("")
        } else {
            inside
        };
        let directories = inside.ancestors().map(|part| top.join(part)).collect();
        Some(Self { unified, directories })
    }

    /// Of the groups with a limit the one that leaves least: a pod may be full of its other containers while this one
    /// is far from its own limit. Where no group's use can be read, the smallest limit.
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

    /// In version 1 only the names with "total_" count the children, and none gives the slab.
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
        // Without it the page cache would count as used.
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
                // A quota of -1 is none, and no number here.
                false => ratio(
                    number(&directory.join("cpu.cfs_quota_us"))?,
                    number(&directory.join("cpu.cfs_period_us"))?,
                ),
            });
        limits.min_by(f64::total_cmp)
    }
}

/// Version 1 writes "no limit" as the largest multiple of the page size that a signed 64-bit number can hold.
const UNLIMITED_V1: u64 = 1 << 62;

fn number(file: &Path) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

fn ratio(quota: u64, period: u64) -> Option<f64> {
    // Microseconds; both are far below what a float holds exactly.
    (period > 0).then(|| quota as f64 / period as f64)
}

/// The path in a line like `4:cpu,cpuacct:/docker/1f2e` whose controllers suit.
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

/// A line of `/proc/self/mountinfo`, see proc(5).
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

/// The kernel writes blanks and backslashes as octal numbers.
fn unescape(path: &str) -> String {
    path.replace("\\040", " ")
        .replace("\\011", "\t")
        .replace("\\012", "\n")
        .replace("\\134", "\\")
}

#[cfg(test)]
mod tests;
