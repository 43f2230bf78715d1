//! Reads the values on Linux, from `/proc`, `/sys` and `/etc/passwd`.

use std::fs;
use std::sync::OnceLock;
use std::time::Duration;

use super::{Load, Memory, Process, Uname};

/// `/proc` contains process times in hundredths of a second, whatever the kernel's own tick is.
const TICKS_PER_SECOND: f64 = 100.0;

pub(crate) fn memory() -> Option<Memory> {
    parse_meminfo(&read("/proc/meminfo")?)
}

pub(crate) fn load() -> Option<Load> {
    parse_loadavg(&read("/proc/loadavg")?)
}

pub(crate) fn uname() -> Uname {
    let line = |path| read(path).map(|text| text.trim_end().to_owned());
    Uname {
        system: line("/proc/sys/kernel/ostype"),
        node: line("/proc/sys/kernel/hostname"),
        release: line("/proc/sys/kernel/osrelease"),
        version: line("/proc/sys/kernel/version"),
        // Kernels before 6.1 don't have the file `/proc/sys/kernel/arch`. Then use the architecture of the binary,
        // which differs from the kernel's only if a 32-bit binary runs on a 64-bit kernel.
        machine: line("/proc/sys/kernel/arch").or_else(|| Some(std::env::consts::ARCH.to_owned())),
    }
}

/// Returns the number of the machine's online CPUs, even if this process may use only some of them.
///
/// A sandbox may hide `/sys`. If `/sys` is hidden, the function reads `/proc/stat` instead.
pub(crate) fn online_cpus() -> Option<usize> {
    read("/sys/devices/system/cpu/online")
        .and_then(|list| parse_cpu_list(&list))
        .or_else(|| count_cpus(&read("/proc/stat")?))
}

pub(crate) fn process() -> Process {
    let status = read("/proc/self/status").unwrap_or_default();
    Process {
        // The line `Uid` has four user ids: real, effective, saved and file system. Take the effective id, the second.
        uid: field(&status, "Uid").and_then(|ids| ids.split_whitespace().nth(1)?.parse().ok()),
        uptime: uptime(),
        resident: field(&status, "VmRSS").and_then(kibibytes),
        virtual_size: field(&status, "VmSize").and_then(kibibytes),
        threads: field(&status, "Threads").and_then(|count| count.parse().ok()),
        open_files: open_files(),
        open_files_limit: read("/proc/self/limits").and_then(|limits| parse_open_files_limit(&limits)),
    }
}

/// Finds the user's name in `/etc/passwd`. Users of a directory service such as LDAP aren't found, because a request to
/// the directory service could block on the network.
pub(crate) fn user(process: &Process) -> Option<String> {
    parse_passwd(&read("/etc/passwd")?, process.uid?)
}

/// Reads a file as text. U+FFFD replaces bytes that aren't UTF-8, because a process may have such bytes in its name.
fn read(path: &str) -> Option<String> {
    let bytes = fs::read(path).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Returns the value after `name:` in a table like `/proc/self/status`.
fn field<'a>(table: &'a str, name: &str) -> Option<&'a str> {
    table
        .lines()
        .find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim()))
}

/// Parses a size such as "12 kB", and returns it in bytes. By "kB" the kernel means 1024 bytes.
fn kibibytes(value: &str) -> Option<u64> {
    let number = value.strip_suffix("kB")?.trim_end();
    number.parse::<u64>().ok()?.checked_mul(1024)
}

fn parse_meminfo(table: &str) -> Option<Memory> {
    let bytes = |name| field(table, name).and_then(kibibytes);
    let total = bytes("MemTotal").filter(|&total| total > 0)?;
    // Kernels before 3.14 and some sandboxes have no `MemAvailable`. For these systems, `sum` adds the free memory, the
    // page cache of files and the reclaimable slab. If the page cache isn't listed, `sum` uses `Cached` without
    // `Shmem`, because the kernel can't reclaim shared memory.
    let sum = || {
        let files = bytes("Active(file)")
            .zip(bytes("Inactive(file)"))
            .map(|(active, inactive)| active.saturating_add(inactive))
            .or_else(|| Some(bytes("Cached")?.saturating_sub(bytes("Shmem").unwrap_or(0))))?;
        let slab = bytes("SReclaimable").unwrap_or(0);
        Some(bytes("MemFree")?.saturating_add(files).saturating_add(slab))
    };
    Some(Memory {
        total,
        available: bytes("MemAvailable").or_else(sum)?.min(total),
        swap_total: bytes("SwapTotal").unwrap_or(0),
        swap_free: bytes("SwapFree").unwrap_or(0),
    })
}

fn parse_loadavg(line: &str) -> Option<Load> {
    let mut averages = line.split_whitespace().map(|average| average.parse().ok());
    Some(Load {
        one: averages.next()??,
        five: averages.next()??,
        fifteen: averages.next()??,
    })
}

/// Counts the CPUs in a list such as "0-3,8,10-11", which has seven CPUs.
fn parse_cpu_list(list: &str) -> Option<usize> {
    let mut count: usize = 0;
    for range in list.trim().split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
        count = count.checked_add(last.checked_sub(first)?.checked_add(1)?)?;
    }
    Some(count)
}

/// Counts the lines "cpu0 …", "cpu1 …" of `/proc/stat`. Skips the line "cpu …", which is the sum of all CPUs.
fn count_cpus(stat: &str) -> Option<usize> {
    let is_cpu = |line: &&str| {
        line.strip_prefix("cpu")
            .is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
    };
    Some(stat.lines().filter(is_cpu).count()).filter(|&count| count > 0)
}

/// Returns the uptime of this process. The calculation uses only times since the boot, from `/proc/uptime` and
/// `/proc/self/stat`. So a change of the wall clock has no effect.
fn uptime() -> Option<Duration> {
    let since_boot: f64 = read("/proc/uptime")?.split_whitespace().next()?.parse().ok()?;
    let started = parse_start_ticks(&read("/proc/self/stat")?)? / TICKS_PER_SECOND;
    Duration::try_from_secs_f64((since_boot - started).max(0.0)).ok()
}

/// Parses the start time of the process, the 22nd field of `/proc/self/stat`. The second field is the process's name in
/// parentheses, and the name may itself contain spaces and parentheses.
fn parse_start_ticks(stat: &str) -> Option<f64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(19)?.parse().ok()
}

fn open_files() -> Option<u64> {
    /// Whether the size of the directory `/proc/self/fd` is the number of open files, as in Linux 6.2 and later.
    static SIZE_COUNTS: OnceLock<bool> = OnceLock::new();

    // Since Linux 6.2, the size of `/proc/self/fd` is the number of open files. Reading the size is much cheaper than
    // listing 100,000 sockets.
    //
    // In older kernels, the size of `/proc/self/fd` is 0, and a sandbox with its own `/proc` may report any size. So we
    // list the directory once, and trust the size only if it is close to the number of entries.
    let size = fs::metadata("/proc/self/fd").ok()?.len();
    if SIZE_COUNTS.get() == Some(&true) {
        return Some(size);
    }
    let Ok(entries) = fs::read_dir("/proc/self/fd") else {
        // If this process has reached its limit of open files, it can't open the directory to count the entries. The
        // size is the only number that we have.
        return (size > 0).then_some(size);
    };
    // Subtract one, because listing the directory opens a file too.
    let count = u64::try_from(entries.count()).ok()?.checked_sub(1)?;
    let size_counts = *SIZE_COUNTS.get_or_init(|| is_about(size, count));
    Some(if size_counts { size } else { count })
}

/// Returns whether the size and the count are nearly equal. They may differ a little, because other threads open and
/// close files at the same time.
const fn is_about(size: u64, count: u64) -> bool {
    size > 0 && size.abs_diff(count) <= count / 8 + 8
}

fn parse_open_files_limit(limits: &str) -> Option<u64> {
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn parse_passwd(passwd: &str, uid: u32) -> Option<String> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, id) = (fields.next()?, fields.nth(1)?);
        (id.parse() == Ok(uid)).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs::File;

    use super::*;

    #[test]
    fn a_status_table_is_read_by_name_and_unit() {
        let status =
            "Name:\tVmRSS: odd\nUid:\t0\t1000\t0\t0\nVmSize:\t    3060 kB\nVmRSS:\t1708 kB\nThreads:\t12\n";
        assert_eq!(field(status, "VmRSS").and_then(kibibytes), Some(1708 * 1024));
        assert_eq!(field(status, "Threads"), Some("12"));
        assert_eq!(field(status, "Vm"), None);
        assert_eq!(field(status, "VmSwap"), None);
        for odd in [
            "",
            "kB",
            "12",
            "-1 kB",
            "99999999999999999999 kB",
            "18446744073709551615 kB",
        ] {
            assert_eq!(kibibytes(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn memory_falls_back_to_an_estimate_on_old_kernels() {
        let table = "MemTotal: 1000 kB\nMemFree: 100 kB\nCached: 200 kB\n";
        let memory = parse_meminfo(table).unwrap();
        assert_eq!(memory.available, 300 * 1024);
        assert_eq!(memory.swap_total, 0);
        let newer = format!("{table}MemAvailable: 700 kB\nSwapTotal: 64 kB\nSwapFree: 32 kB\n");
        assert_eq!(parse_meminfo(&newer).unwrap().available, 700 * 1024);
        assert_eq!(parse_meminfo(&newer).unwrap().swap_free, 32 * 1024);
        assert_eq!(parse_meminfo("MemTotal: 1000 kB\n"), None);
        assert_eq!(parse_meminfo("MemTotal: 0 kB\nMemAvailable: 0 kB\n"), None);
    }

    #[test]
    fn the_sum_counts_file_pages_and_slab_as_available_and_shared_memory_as_used() {
        let table = "MemTotal: 1000 kB\nMemFree: 100 kB\nCached: 500 kB\nShmem: 200 kB\n";
        assert_eq!(parse_meminfo(table).unwrap().available, 400 * 1024);
        let newer = format!("{table}Active(file): 110 kB\nInactive(file): 190 kB\nSReclaimable: 50 kB\n");
        assert_eq!(parse_meminfo(&newer).unwrap().available, 450 * 1024);
    }

    #[test]
    fn cpus_are_counted_where_only_proc_is_there() {
        let stat = "cpu  1 2 3\ncpu0 1 2 3\ncpu1 1 2 3\nintr 5\ncpufreq 1\n";
        assert_eq!(count_cpus(stat), Some(2));
        assert_eq!(count_cpus("intr 5\n"), None);
    }

    #[test]
    fn a_load_line_needs_all_three_averages() {
        let load = parse_loadavg("0.52 1.00 12.25 2/345 6789\n").unwrap();
        assert_eq!(
            load,
            Load {
                one: 0.52,
                five: 1.0,
                fifteen: 12.25
            }
        );
        assert_eq!(parse_loadavg("0.52 1.00\n"), None);
        assert_eq!(parse_loadavg("a b c"), None);
    }

    #[test]
    fn a_cpu_list_is_counted() {
        assert_eq!(parse_cpu_list("0-3,8,10-11\n"), Some(7));
        assert_eq!(parse_cpu_list("0\n"), Some(1));
        for odd in ["", "3-1", "a", "0-"] {
            assert_eq!(parse_cpu_list(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn a_process_name_with_parentheses_does_not_shift_the_fields() {
        let stat = "42 (od) d (x) S 1 42 42 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 1234 10 20";
        assert_eq!(parse_start_ticks(stat), Some(1234.0));
        assert_eq!(parse_start_ticks("42 (short) S 1"), None);
    }

    #[test]
    fn a_user_is_found_by_number_and_a_stranger_is_not() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\n# comment\n\napp:x:1000:1000::/home/app:/bin/sh\n";
        assert_eq!(parse_passwd(passwd, 1000).as_deref(), Some("app"));
        assert_eq!(parse_passwd(passwd, 0).as_deref(), Some("root"));
        assert_eq!(parse_passwd(passwd, 4242), None);
        assert_eq!(user(&Process::default()), None);
    }

    #[test]
    fn a_size_that_is_no_count_is_not_taken_for_one() {
        for (size, count, about) in [
            (0, 0, false),
            (0, 5, false),
            (4_096, 12, false),
            (40, 0, false),
            (12, 12, true),
            (15, 12, true),
            (100_900, 100_000, true),
        ] {
            assert_eq!(is_about(size, count), about, "{size} {count}");
        }
    }

    #[test]
    fn an_unlimited_number_of_open_files_is_no_limit() {
        let line = |soft| {
            format!("Limit  Soft Limit  Hard Limit  Units\nMax open files   {soft}   524288   files\n")
        };
        assert_eq!(parse_open_files_limit(&line("1024")), Some(1024));
        assert_eq!(parse_open_files_limit(&line("unlimited")), None);
    }

    #[test]
    fn this_process_is_described() {
        let process = process();
        assert!(process.resident.unwrap() > 0);
        assert!(process.virtual_size.unwrap() >= process.resident.unwrap());
        assert!(process.threads.unwrap() >= 1);
        assert!(process.uptime.unwrap() < Duration::from_secs(24 * 3600));
        let files: Vec<File> = (0..100).map(|_| File::open("/dev/null").unwrap()).collect();
        assert!(open_files().unwrap() >= 100);
        drop(files);
    }

    #[test]
    fn this_machine_is_described() {
        let memory = memory().unwrap();
        assert!(memory.available <= memory.total);
        assert!(load().is_some());
        assert!(online_cpus().unwrap() >= 1);
        assert_eq!(uname().system.as_deref(), Some("Linux"));
        assert!(uname().release.is_some_and(|release| !release.ends_with('\n')));
    }
}
