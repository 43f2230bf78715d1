use std::path::{Path, PathBuf};

use super::amount::{Amount, Unit, fraction};
use super::thresholds::Thresholds;
use super::{file_system, held};
use crate::Outcome;

/// Checks that the file system of `path` has free space and isn't mounted read-only.
///
/// By default, the check warns if less than 15 % of the space is free, and fails if less than 5 % is free.
/// [`warn_below`](DiskSpace::warn_below) and [`fail_below`](DiskSpace::fail_below) set other limits, as a share or as a
/// size.
///
/// As `df` does, the check leaves out the blocks that are reserved for the superuser.
///
/// If the file system limits the number of files (inodes), a limit that is a share also applies to the number of free
/// files.
///
/// After the free space has fallen below a limit, the check recovers only once the free space is 2 % above this limit,
/// such as 5.1 % for a limit of 5 %. [`margin`](DiskSpace::margin) sets another margin.
///
/// The check fails if the file system is read-only, because Linux remounts a file system read-only after a disk error.
/// If a read-only file system is expected, call [`read_only`](DiskSpace::read_only).
///
/// If the file system reports no size, the check passes, and the output says that the free space is unknown.
///
/// A run costs one or two system calls, about 1 µs on a local disk. On ext4, a run also reads the list of mounts, which
/// takes about 20 µs.
///
/// A dead network disk may block a run for minutes. So call `disk_space` in a sync check function (`fn`, not `async
/// fn`): the library runs it on its own thread.
///
/// The check doesn't see quotas, or whether this process may write to `path`. For an overlay, a network disk or a
/// thinly provisioned volume, the check doesn't see the free space of the underlying storage.
///
/// If the disk that belongs at `path` isn't mounted, `path` is an empty directory on another file system. The check
/// then reads the free space of that other file system.
///
/// ```
/// use healthcheck::{Outcome, checks};
///
/// // #[health_check]
/// fn disk() -> Outcome {
///     checks::disk_space("/").warn_below("15%").fail_below("2GiB").check()
/// }
/// # disk();
/// let typo = checks::disk_space("/").warn_below("15 percent").check();
/// assert_eq!(typo.status(), healthcheck::Status::Fail);
/// ```
pub fn disk_space(path: impl AsRef<Path>) -> DiskSpace {
    DiskSpace {
        path: path.as_ref().to_owned(),
        thresholds: Thresholds::new(Unit::Bytes, Some(Amount::Share(0.15)), Some(Amount::Share(0.05))),
        read_only: false,
    }
}

/// The check returned by [`disk_space`]. Call [`check`](Self::check) to run it.
#[derive(Clone, Debug)]
#[must_use = "it runs when `check()` is called"]
pub struct DiskSpace {
    path: PathBuf,
    thresholds: Thresholds,
    read_only: bool,
}

impl DiskSpace {
    /// Sets the free space below which the check warns, as a share ("15%") or a size ("2GiB", "500MB"). Default: 15 %.
    pub fn warn_below(mut self, amount: &str) -> Self {
        self.thresholds.set_warn("warn_below", amount);
        self
    }

    /// Sets the free space below which the check fails, as a share or a size. Default: 5 %.
    pub fn fail_below(mut self, amount: &str) -> Self {
        self.thresholds.set_fail("fail_below", amount);
        self
    }

    /// Sets how far above a crossed limit the free space must rise before the check recovers, as a share of that limit.
    /// Default: "2%".
    pub fn margin(mut self, share: &str) -> Self {
        self.thresholds.set_margin(share);
        self
    }

    /// Accepts a file system that is mounted read-only.
    pub const fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// Runs the check. If a limit or the margin is invalid, the check fails, and the output shows a valid example.
    pub fn check(self) -> Outcome {
        let path = self.path.display();
        if let Some(problem) = self.thresholds.problem(&format!("disk_space({:?})", self.path)) {
            return problem;
        }
        match file_system::space(&self.path) {
            Ok(space) => self.judge(space),
            Err(error) => Outcome::fail(format!("can't read the file system of {path}: {error}")),
        }
    }

    fn judge(&self, space: Space) -> Outcome {
        let path = self.path.display();
        if space.read_only && !self.read_only {
            return Outcome::fail(format!("the file system of {path} is read-only"));
        }
        let Room { free, whole } = space.bytes;
        if whole == 0 {
            return Outcome::pass(format!(
                "how much space is free is unknown, because the file system of {path} tells no size"
            ));
        }
        let share = Amount::Share(fraction(free, whole));
        let (free_size, whole_size) = (Amount::Bytes(free), Amount::Bytes(whole));
        let found = format!("{share} of the space on {path} is free ({free_size} of {whole_size})");
        let key = |what: &str| self.thresholds.key(&format!("disk_space {what} {path:?}"));
        let by_space = held::judge(key("bytes"), |last| {
            self.thresholds.at_least(free, whole, &found, last)
        });
        let by_files = space.files.map(|Room { free, whole }| {
            let share = Amount::Share(fraction(free, whole));
            let found = format!("{share} of the files that {path} can hold are free ({free} of {whole})");
            held::judge(key("files"), |last| {
                self.thresholds.shares().at_least(free, whole, &found, last)
            })
        });
        match by_files {
            Some(by_files) if by_files.status() > by_space.status() => by_files,
            _ => by_space,
        }
    }
}

/// The free space and the free files of a file system, and whether it is mounted read-only.
#[derive(Clone, Copy, Debug)]
pub(super) struct Space {
    pub(super) bytes: Room,
    /// The files (inodes); `None` if the file system doesn't limit their number.
    pub(super) files: Option<Room>,
    pub(super) read_only: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub(super) free: u64,
    pub(super) whole: u64,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::Status;

    /// Returns the check's outcome for a file system of 1000 bytes, with the default limits. Each test passes a
    /// different `path`, because the check stores its last status by path.
    fn judged(path: &str, free: u64, files: Option<u64>) -> Outcome {
        let room = |free| Room { free, whole: 1000 };
        disk_space(path).judge(Space {
            bytes: room(free),
            files: files.map(room),
            read_only: false,
        })
    }

    #[test]
    fn the_defaults_are_fifteen_and_five_percent() {
        let statuses = [150, 149, 50, 49].map(|free| judged("/data", free, None).status());
        assert_eq!(statuses, [Status::Pass, Status::Warn, Status::Warn, Status::Fail]);
        assert_eq!(
            judged("/data", 49, None).output(),
            "4.9% of the space on /data is free (49 bytes of 1000 bytes), below 5%"
        );
    }

    #[test]
    fn a_disk_without_room_for_another_file_is_full() {
        let outcome = judged("/files", 900, Some(40));
        assert_eq!(outcome.status(), Status::Fail);
        assert_eq!(
            outcome.output(),
            "4% of the files that /files can hold are free (40 of 1000), below 5%"
        );
        assert_eq!(
            judged("/files", 40, Some(100)).output(),
            judged("/files", 40, None).output()
        );
    }

    #[test]
    fn a_real_disk_is_measured() {
        let here = disk_space(".").warn_below("0%").fail_below("0%").check();
        assert_eq!(here.status(), Status::Pass, "{here:?}");
        let full = disk_space(".").fail_below("1000TiB").check();
        assert_eq!(full.status(), Status::Fail);
        assert!(
            full.output().as_str().unwrap().ends_with(", below 1000 TiB"),
            "{full:?}"
        );
    }

    #[test]
    fn a_path_that_is_not_there_fails() {
        let outcome = disk_space("/nonexistent/data").check();
        assert_eq!(outcome.status(), Status::Fail);
        let text = outcome.output().as_str().unwrap();
        assert!(
            text.starts_with("can't read the file system of /nonexistent/data: "),
            "{text}"
        );
    }

    #[test]
    fn an_amount_that_is_none_says_what_to_write_and_does_not_panic() {
        let outcome = disk_space("/").warn_below("15 percent").check();
        assert_eq!(
            outcome,
            Outcome::fail(
                "disk_space(\"/\"): warn_below(\"15 percent\") isn't an amount: write a share from \"0%\" to \
                 \"100%\", or a size like \"2GiB\" or \"500MB\""
            )
        );
    }

    #[test]
    fn a_file_system_that_is_mounted_read_only_fails_unless_it_is_meant_to_be() {
        let room = Room {
            free: 900,
            whole: 1000,
        };
        let space = Space {
            bytes: room,
            files: None,
            read_only: true,
        };
        assert_eq!(
            disk_space("/data").judge(space),
            Outcome::fail("the file system of /data is read-only")
        );
        assert_eq!(
            disk_space("/data").read_only().judge(space).status(),
            Status::Pass
        );
    }

    #[test]
    fn space_that_swings_around_its_limit_gives_one_transition() {
        let judged = |free| {
            let space = Space {
                bytes: Room { free, whole: 1000 },
                files: None,
                read_only: false,
            };
            disk_space("/swings").judge(space)
        };
        use Status::{Pass, Warn};
        let statuses = [150, 149, 151, 149, 152, 153, 151].map(|free| judged(free).status());
        assert_eq!(statuses, [Pass, Warn, Warn, Warn, Warn, Pass, Pass]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_system_that_tells_no_size_is_unknown_and_passes() {
        let outcome = disk_space("/proc").read_only().check();
        assert_eq!(
            outcome,
            Outcome::pass(
                "how much space is free is unknown, because the file system of /proc tells no size"
            )
        );
    }
}
