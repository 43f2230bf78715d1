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
    /// Without the page cache that the kernel would give up first; the kubelet's "working set".
    pub(crate) used: Option<u64>,
}

/// Sizes in bytes, CPUs as a number of them. `null` inside means no limit, for the whole no control groups.
pub(crate) fn collect() -> Value {
    limits().map_or(Value::Null, |limits| {
        json!({
            "memory_limit": limits.memory.map(|memory| memory.limit),
            "memory_used": limits.memory.and_then(|memory| memory.used),
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

    fn memory(&self) -> Option<MemoryLimit> {
        let (limit, used, cache) = match self.unified {
            true => ("memory.max", "memory.current", "inactive_file"),
            false => (
                "memory.limit_in_bytes",
                "memory.usage_in_bytes",
                "total_inactive_file",
            ),
        };
        let limited = self.directories.iter().filter_map(|directory| {
            let limit = number(&directory.join(limit)).filter(|&limit| limit < UNLIMITED_V1)?;
            Some((limit, directory))
        });
        let (limit, directory) = limited.min_by_key(|&(limit, _)| limit)?;
        let cached = fs::read_to_string(directory.join("memory.stat"))
            .ok()
            .and_then(|stat| {
                stat.lines()
                    .find_map(|line| line.strip_prefix(cache)?.trim().parse().ok())
            })
            .unwrap_or(0);
        let used = number(&directory.join(used)).map(|used| used.saturating_sub(cached));
        Some(MemoryLimit { limit, used })
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
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// A file system of the test's own, with the given files.
    fn limits_of(files: &[(&str, &str)]) -> Option<Limits> {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        limits_below(root.path())
    }

    const V2: &str = "31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";

    #[test]
    fn version_2_with_a_namespace_is_read_at_the_mount() {
        let limits = limits_of(&[
            ("proc/self/cgroup", "0::/\n"),
            ("proc/self/mountinfo", V2),
            ("sys/fs/cgroup/memory.max", "536870912\n"),
            ("sys/fs/cgroup/memory.current", "104857600\n"),
            (
                "sys/fs/cgroup/memory.stat",
                "anon 1\ninactive_file 4857600\nactive_file 7\n",
            ),
            ("sys/fs/cgroup/cpu.max", "150000 100000\n"),
        ])
        .unwrap();
        assert_eq!(
            limits.memory,
            Some(MemoryLimit {
                limit: 536_870_912,
                used: Some(100_000_000)
            })
        );
        assert_eq!(limits.cpus, Some(1.5));
    }

    #[test]
    fn the_smallest_limit_on_the_way_up_counts() {
        let limits = limits_of(&[
            ("proc/self/cgroup", "0::/pods.slice/pod1/app\n"),
            ("proc/self/mountinfo", V2),
            ("sys/fs/cgroup/pods.slice/memory.max", "3000\n"),
            ("sys/fs/cgroup/pods.slice/cpu.max", "400000 100000\n"),
            ("sys/fs/cgroup/pods.slice/pod1/memory.max", "1000\n"),
            ("sys/fs/cgroup/pods.slice/pod1/memory.current", "900\n"),
            ("sys/fs/cgroup/pods.slice/pod1/cpu.max", "50000 100000\n"),
            ("sys/fs/cgroup/pods.slice/pod1/app/memory.max", "max\n"),
            ("sys/fs/cgroup/pods.slice/pod1/app/memory.current", "10\n"),
            ("sys/fs/cgroup/pods.slice/pod1/app/cpu.max", "max 100000\n"),
        ])
        .unwrap();
        assert_eq!(
            limits.memory,
            Some(MemoryLimit {
                limit: 1000,
                used: Some(900)
            })
        );
        assert_eq!(limits.cpus, Some(0.5));
    }

    const V1_HOST_PATHS: &str =
        "9:memory:/docker/1f2e\n4:cpu,cpuacct:/docker/1f2e\n1:name=systemd:/docker/1f2e\n";
    const V1_MOUNTS: &str = concat!(
        "40 30 0:33 /docker/1f2e /sys/fs/cgroup/memory ro master:16 - cgroup cgroup rw,memory\n",
        "41 30 0:34 /docker/1f2e /sys/fs/cgroup/cpu,cpuacct ro master:17 - cgroup cgroup rw,cpu,cpuacct\n",
    );

    #[test]
    fn version_1_by_the_hosts_paths_is_read_below_the_mount() {
        let limits = limits_of(&[
            ("proc/self/cgroup", V1_HOST_PATHS),
            ("proc/self/mountinfo", V1_MOUNTS),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "268435456\n"),
            ("sys/fs/cgroup/memory/memory.usage_in_bytes", "200\n"),
            (
                "sys/fs/cgroup/memory/memory.stat",
                "inactive_file 1\ntotal_inactive_file 50\n",
            ),
            ("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "200000\n"),
            ("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n"),
        ])
        .unwrap();
        assert_eq!(
            limits.memory,
            Some(MemoryLimit {
                limit: 268_435_456,
                used: Some(150)
            })
        );
        assert_eq!(limits.cpus, Some(2.0));
    }

    #[test]
    fn version_1s_words_for_no_limit_are_no_limit() {
        let limits = limits_of(&[
            ("proc/self/cgroup", V1_HOST_PATHS),
            ("proc/self/mountinfo", V1_MOUNTS),
            (
                "sys/fs/cgroup/memory/memory.limit_in_bytes",
                "9223372036854771712\n",
            ),
            ("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n"),
            ("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n"),
        ]);
        assert_eq!(
            limits,
            Some(Limits {
                memory: None,
                cpus: None
            })
        );
    }

    #[test]
    fn both_versions_at_once_are_told_apart_by_the_controller() {
        let mounts = [
            V2.replace("/sys/fs/cgroup", "/sys/fs/cgroup/unified").as_str(),
            V1_MOUNTS,
        ]
        .concat();
        let limits = limits_of(&[
            ("proc/self/cgroup", "9:memory:/docker/1f2e\n0::/app\n"),
            ("proc/self/mountinfo", &mounts),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "1000\n"),
            ("sys/fs/cgroup/unified/app/cpu.max", "100000 100000\n"),
        ])
        .unwrap();
        assert_eq!(
            limits.memory,
            Some(MemoryLimit {
                limit: 1000,
                used: None
            })
        );
        assert_eq!(limits.cpus, Some(1.0));
    }

    #[test]
    fn a_group_outside_of_the_mount_is_read_at_the_mount() {
        for path in ["/../../other", "/elsewhere"] {
            let limits = limits_of(&[
                ("proc/self/cgroup", &format!("0::{path}\n")),
                ("proc/self/mountinfo", &V2.replace(" / ", " /mine ")),
                ("sys/fs/cgroup/memory.max", "1000\n"),
            ]);
            assert_eq!(limits.unwrap().memory.unwrap().limit, 1000, "{path}");
        }
    }

    #[test]
    fn odd_files_are_no_limit_and_no_files_nothing() {
        let limits = limits_of(&[
            ("proc/self/cgroup", "0::/\nnonsense\n:\n"),
            ("proc/self/mountinfo", &format!("nonsense\n - \n{V2}")),
            ("sys/fs/cgroup/memory.max", "\u{0}lots\n"),
            ("sys/fs/cgroup/cpu.max", "100000 0\n"),
        ]);
        assert_eq!(
            limits,
            Some(Limits {
                memory: None,
                cpus: None
            })
        );
        assert_eq!(limits_of(&[]), None);
    }

    #[test]
    fn blanks_in_a_mount_are_unescaped() {
        let limits = limits_of(&[
            ("proc/self/cgroup", "0::/\n"),
            (
                "proc/self/mountinfo",
                &V2.replace("/sys/fs/cgroup", "/odd\\040place"),
            ),
            ("odd place/memory.max", "1000\n"),
        ]);
        assert_eq!(limits.unwrap().memory.unwrap().limit, 1000);
    }
}
