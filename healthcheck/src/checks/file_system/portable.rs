//! Reads the free space on Windows and on other platforms that aren't Unix. This module reads sysinfo's list of disks,
//! and takes the disk whose mount point is the longest prefix of the path.

use std::io;
use std::path::Path;

use sysinfo::{DiskRefreshKind, Disks};

use super::super::disk_space::{Room, Space};

pub(in super::super) fn space(path: &Path) -> io::Result<Space> {
    let path = path.canonicalize()?;
    // On Windows, a canonical path starts with `\\?\`, but the mount points in sysinfo's list don't. So remove this
    // prefix.
    let path = path.to_string_lossy();
    let path = Path::new(path.trim_start_matches(r"\\?\"));
    let disks = Disks::new_with_refreshed_list_specifics(DiskRefreshKind::nothing().with_storage());
    let nearest = disks
        .iter()
        .filter(|disk| path.starts_with(disk.mount_point()))
        .max_by_key(|disk| disk.mount_point().components().count())
        .ok_or_else(|| io::Error::other("it is on none of the disks that the system lists"))?;
    let bytes = Room {
        free: nearest.available_space(),
        whole: nearest.total_space(),
    };
    Ok(Space {
        bytes,
        files: None,
        read_only: nearest.is_read_only(),
    })
}
