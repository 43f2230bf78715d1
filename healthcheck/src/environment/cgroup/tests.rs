//! Tests the limits with files in the format of the kernel.

#![allow(clippy::unwrap_used)]
use super::*;

/// Writes the files to a temporary directory. Returns the limits that are read with this directory as the root of the
/// file system.
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
            "anon 1\nfile 9\ninactive_file 4857600\nactive_file 90000000\nslab_reclaimable 5000000\nslab 7\n",
        ),
        ("sys/fs/cgroup/cpu.max", "150000 100000\n"),
    ])
    .unwrap();
    assert_eq!(
        limits.memory,
        Some(MemoryLimit {
            limit: 536_870_912,
            used: Some(5_000_000)
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
        ("sys/fs/cgroup/pods.slice/pod1/memory.stat", "anon 900\n"),
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
            "active_file 9\ninactive_file 1\ntotal_active_file 30\ntotal_inactive_file 50\n",
        ),
        ("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "200000\n"),
        ("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n"),
    ])
    .unwrap();
    assert_eq!(
        limits.memory,
        Some(MemoryLimit {
            limit: 268_435_456,
            used: Some(120)
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

#[test]
fn the_group_that_leaves_least_counts_and_not_the_smallest_limit() {
    let limits = limits_of(&[
        ("proc/self/cgroup", "0::/pod1/app\n"),
        ("proc/self/mountinfo", V2),
        ("sys/fs/cgroup/pod1/memory.max", "3000\n"),
        ("sys/fs/cgroup/pod1/memory.current", "2900\n"),
        ("sys/fs/cgroup/pod1/memory.stat", "anon 2900\n"),
        ("sys/fs/cgroup/pod1/app/memory.max", "1000\n"),
        ("sys/fs/cgroup/pod1/app/memory.current", "200\n"),
        ("sys/fs/cgroup/pod1/app/memory.stat", "anon 200\n"),
    ]);
    let memory = limits.unwrap().memory.unwrap();
    assert_eq!((memory.limit, memory.available()), (3000, Some(100)));
}

#[test]
fn a_container_whose_page_cache_fills_its_limit_has_all_of_it_available() {
    let v2 = limits_of(&[
        ("proc/self/cgroup", "0::/\n"),
        ("proc/self/mountinfo", V2),
        ("sys/fs/cgroup/memory.max", "1000\n"),
        ("sys/fs/cgroup/memory.current", "1000\n"),
        (
            "sys/fs/cgroup/memory.stat",
            "anon 100\nactive_file 700\ninactive_file 150\nslab_reclaimable 50\n",
        ),
    ]);
    assert_eq!(v2.unwrap().memory.unwrap().available(), Some(900));
    let v1 = limits_of(&[
        ("proc/self/cgroup", V1_HOST_PATHS),
        ("proc/self/mountinfo", V1_MOUNTS),
        ("sys/fs/cgroup/memory/memory.limit_in_bytes", "1000\n"),
        ("sys/fs/cgroup/memory/memory.usage_in_bytes", "1000\n"),
        (
            "sys/fs/cgroup/memory/memory.stat",
            "total_active_file 700\ntotal_inactive_file 200\n",
        ),
    ]);
    assert_eq!(v1.unwrap().memory.unwrap().available(), Some(900));
}

#[test]
fn a_use_that_cannot_be_read_is_unknown_and_not_zero() {
    for files in [
        vec![],
        vec![("sys/fs/cgroup/memory.current", "990\n")],
        vec![("sys/fs/cgroup/memory.stat", "active_file 10\n")],
        vec![
            ("sys/fs/cgroup/memory.current", "lots\n"),
            ("sys/fs/cgroup/memory.stat", "active_file 10\n"),
        ],
    ] {
        let mut all = vec![
            ("proc/self/cgroup", "0::/\n"),
            ("proc/self/mountinfo", V2),
            ("sys/fs/cgroup/memory.max", "1000\n"),
        ];
        all.extend(files);
        let memory = limits_of(&all).unwrap().memory.unwrap();
        assert_eq!((memory.limit, memory.available()), (1000, None));
    }
}
