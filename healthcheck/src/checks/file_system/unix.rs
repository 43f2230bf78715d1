//! Reads the free space on Unix with `statvfs`, which accesses only the file system of the path. sysinfo's list of
//! disks would access every mounted file system, and would hang if any of them didn't answer.

use std::io;
use std::path::Path;

use super::super::disk_space::{Room, Space};

pub(in super::super) fn space(path: &Path) -> io::Result<Space> {
    let stat = rustix::fs::statvfs(path)?;
    let bytes = |blocks: u64| blocks.saturating_mul(stat.f_frsize);
    // Exclude the blocks reserved for the superuser from the free space and from the total. `df` does the same for its
    // percentage.
    let used = stat.f_blocks.saturating_sub(stat.f_bfree);
    let bytes = Room {
        free: bytes(stat.f_bavail),
        whole: bytes(used.saturating_add(stat.f_bavail)),
    };
    let files = (stat.f_files > 0).then_some(Room {
        free: stat.f_favail,
        whole: stat.f_files,
    });
    let read_only = stat.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY) || has_given_up_writing(path);
    Ok(Space {
        bytes,
        files,
        read_only,
    })
}

/// Returns true if `path` is on an ext4 file system that rejects writes because of an earlier error.
///
/// Since Linux 6.15, the kernel doesn't remount such a file system read-only. Only the mount options show that the file
/// system rejects writes.
#[cfg(target_os = "linux")]
fn has_given_up_writing(path: &Path) -> bool {
    use rustix::fs::{major, minor, stat, statfs};

    const EXT4: u64 = 0xef53;
    // The list of mounts may be long. So read the list only if the file system is ext4.
    let is_ext4 = statfs(path).is_ok_and(|found| found.f_type as u64 == EXT4);
    if !is_ext4 {
        return false;
    }
    let (Ok(found), Ok(mounts)) = (stat(path), std::fs::read_to_string("/proc/self/mountinfo")) else {
        return false;
    };
    let device = format!("{}:{}", major(found.st_dev), minor(found.st_dev));
    refuses_writes(&mounts, &device)
}

#[cfg(not(target_os = "linux"))]
const fn has_given_up_writing(_path: &Path) -> bool {
    false
}

/// Returns true if the mount options of `device` show that ext4 rejects writes.
///
/// `mounts` has one line for each mount, such as `63 43 7:0 / /data rw - ext4 /dev/vdb rw,emergency_ro`; see proc(5).
#[cfg(target_os = "linux")]
fn refuses_writes(mounts: &str, device: &str) -> bool {
    mounts
        .lines()
        .filter(|line| line.split(' ').nth(2) == Some(device))
        .filter_map(|line| line.split_once(" - ")?.1.split(' ').nth(2))
        .flat_map(|options| options.split(','))
        .any(|option| matches!(option, "emergency_ro" | "shutdown"))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn only_the_options_of_the_device_itself_say_that_it_refuses_writes() {
        let mounts = "43 1 254:0 / / rw,relatime - ext4 /dev/vda rw,errors=remount-ro\n\
                      63 43 7:0 / /data/emergency_ro rw shared:1 - ext4 /dev/vdb rw,errors=remount-ro,emergency_ro\n\
                      nonsense\n";
        assert!(refuses_writes(mounts, "7:0"));
        assert!(!refuses_writes(mounts, "254:0"));
        assert!(!refuses_writes(mounts, "7:1"));
    }
}
