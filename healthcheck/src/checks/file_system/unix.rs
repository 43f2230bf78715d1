//! Unix: `statvfs` of the path itself. A list of all that is mounted, as sysinfo makes it, would touch every other file
//! system too, and hang with a dead one that this check has nothing to do with.

use std::io;
use std::path::Path;

use super::super::disk_space::{Room, Space};

pub(in super::super) fn space(path: &Path) -> io::Result<Space> {
    let stat = rustix::fs::statvfs(path)?;
    let bytes = |blocks: u64| blocks.saturating_mul(stat.f_frsize);
    // What is kept for the superuser is neither free nor part of the whole, as in df's percentage.
    let used = stat.f_blocks.saturating_sub(stat.f_bfree);
    let bytes = Room {
        free: bytes(stat.f_bavail),
        whole: bytes(used.saturating_add(stat.f_bavail)),
    };
    let files = (stat.f_files > 0).then_some(Room {
        free: stat.f_favail,
        whole: stat.f_files,
    });
    let read_only = stat.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY);
    Ok(Space {
        bytes,
        files,
        read_only,
    })
}
