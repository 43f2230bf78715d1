use super::amount::{Amount, Unit, fraction};
use super::held;
use super::thresholds::Thresholds;
use crate::Outcome;
use crate::environment::system;

/// Checks that the number of open files and sockets is below the process's soft limit (`ulimit -n`).
///
/// By default, the check warns if the number of open files is above 80 % of the soft limit, and fails above 95 %.
/// [`warn_above`](OpenFiles::warn_above) and [`fail_above`](OpenFiles::fail_above) set other limits, as a share or as a
/// number.
///
/// A process at its soft limit can't accept or open connections. If a process leaks files, it doesn't recover by
/// itself.
///
/// After the number of open files has risen above a limit, the check recovers only once the number is 2 % below this
/// limit, such as 98 for a limit of 100. [`margin`](OpenFiles::margin) sets another margin.
///
/// Only Linux reports the number of open files. On other systems, and in a sandbox without `/proc/self/fd`, the check
/// passes, and the output says "unknown, because …".
///
/// A run reads two small kernel files, which takes about 20 µs. Before Linux 6.2, a run also lists all open files. The
/// check doesn't see the limit of the whole machine (`fs.file-max`), or which part of the process leaks files.
///
/// ```
/// use healthcheck::{Outcome, checks};
///
/// // #[health_check]
/// fn files() -> Outcome {
///     checks::open_files().warn_above("70%").fail_above("90%").check()
/// }
/// # files();
/// ```
pub const fn open_files() -> OpenFiles {
    OpenFiles {
        thresholds: Thresholds::new(Unit::Count, Some(Amount::Share(0.8)), Some(Amount::Share(0.95))),
    }
}

/// The check returned by [`open_files`]. Call [`check`](Self::check) to run it.
#[derive(Clone, Debug)]
#[must_use = "it runs when `check()` is called"]
pub struct OpenFiles {
    thresholds: Thresholds,
}

impl OpenFiles {
    /// Sets the number of open files above which the check warns, as a share of the soft limit ("80%") or a number
    /// ("5000"). Default: 80 %.
    pub fn warn_above(mut self, amount: &str) -> Self {
        self.thresholds.set_warn("warn_above", amount);
        self
    }

    /// Sets the number of open files above which the check fails, as a share of the soft limit or a number. Default:
    /// 95 %.
    pub fn fail_above(mut self, amount: &str) -> Self {
        self.thresholds.set_fail("fail_above", amount);
        self
    }

    /// Sets how far below a crossed limit the number of open files must fall before the check recovers, as a share of
    /// that limit. Default: "2%".
    pub fn margin(mut self, share: &str) -> Self {
        self.thresholds.set_margin(share);
        self
    }

    /// Runs the check. If a limit or the margin is invalid, the check fails, and the output shows a valid example.
    pub fn check(self) -> Outcome {
        if let Some(problem) = self.thresholds.problem("open_files") {
            return problem;
        }
        match system::process().open_files {
            Some(open) => self.judge(open, limit()),
            None if none_is_left() => Outcome::fail("no file can be opened any more"),
            None => Outcome::pass("how many files are open is unknown, because this system doesn't tell it"),
        }
    }

    fn judge(&self, open: u64, limit: Option<u64>) -> Outcome {
        let found = match limit {
            Some(limit) => {
                let share = Amount::Share(fraction(open, limit));
                format!("{open} of {limit} files are open ({share})")
            }
            None => format!("{open} files are open, without a limit"),
        };
        // If the process has no soft limit, use the highest number as the limit. The number of open files never reaches
        // a share of this limit. A threshold that is a number applies as usual.
        let limit = limit.unwrap_or(u64::MAX);
        held::judge(self.thresholds.key("open_files"), |last| {
            self.thresholds.at_most(open, limit, &found, last)
        })
    }
}

/// Returns the soft limit of open files, or `None` if there is no limit. Uses a system call, because a process at its
/// limit can't open `/proc/self/limits`.
#[cfg(unix)]
fn limit() -> Option<u64> {
    use rustix::process::{Resource, getrlimit};
    getrlimit(Resource::Nofile).current
}

#[cfg(not(unix))]
const fn limit() -> Option<u64> {
    None
}

/// Returns true if the process can't open any more files. The check calls this function if the number of open files is
/// unknown.
///
/// Before Linux 6.2, the number is unknown if the process is at its limit, because counting the open files opens a
/// directory.
#[cfg(unix)]
fn none_is_left() -> bool {
    use rustix::io::Errno;
    let opened = std::fs::File::open("/dev/null");
    opened.is_err_and(|error| matches!(Errno::from_io_error(&error), Some(Errno::MFILE | Errno::NFILE)))
}

#[cfg(not(unix))]
const fn none_is_left() -> bool {
    false
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::Status;

    #[test]
    fn the_defaults_are_eighty_and_ninety_five_percent() {
        let statuses = [80, 81, 95, 96].map(|open| open_files().judge(open, Some(100)).status());
        assert_eq!(statuses, [Status::Pass, Status::Warn, Status::Warn, Status::Fail]);
        assert_eq!(
            open_files().judge(96, Some(100)).output(),
            "96 of 100 files are open (96%), above 95%"
        );
    }

    #[test]
    fn a_number_that_swings_around_its_limit_gives_one_transition() {
        use Status::{Pass, Warn};
        let swings = open_files().warn_above("500").fail_above("90%");
        let statuses =
            [500, 501, 499, 501, 491, 490, 499].map(|open| swings.judge(open, Some(10_000)).status());
        assert_eq!(statuses, [Pass, Warn, Warn, Warn, Warn, Pass, Pass]);
    }

    #[test]
    fn without_a_limit_only_a_number_fails() {
        assert_eq!(open_files().judge(1_000_000, None).status(), Status::Pass);
        assert_eq!(
            open_files().fail_above("5000").judge(5001, None).status(),
            Status::Fail
        );
    }

    #[test]
    fn nonsense_is_a_failure_that_says_what_to_write() {
        let outcome = open_files().warn_above("2GiB").check();
        assert_eq!(outcome.status(), Status::Fail);
        assert!(
            outcome
                .output()
                .as_str()
                .unwrap()
                .contains("a number like \"5000\""),
            "{outcome:?}"
        );
    }

    /// Runs this test again in a child process. The child process opens files up to its limit, and then runs the check.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_without_a_free_file_fails() {
        const ROLE: &str = "HEALTHCHECK_TEST_TAKES_ALL_FILES";
        if std::env::var_os(ROLE).is_some() {
            let mut held = Vec::new();
            while let Ok(file) = std::fs::File::open("/dev/null") {
                held.push(file);
            }
            let outcome = open_files().check();
            assert_eq!(outcome.status(), Status::Fail, "{outcome:?}");
            return;
        }
        let exe = std::env::current_exe().unwrap();
        let output = std::process::Command::new("sh")
            .args([
                "-c",
                "ulimit -n 64; exec \"$0\" --nocapture a_process_without_a_free_file_fails",
            ])
            .arg(exe)
            .env(ROLE, "yes")
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains("1 passed"), "{said}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_is_counted() {
        let held: Vec<_> = (0..50)
            .map(|_| std::fs::File::open("/dev/null").unwrap())
            .collect();
        assert_eq!(open_files().fail_above("49").check().status(), Status::Fail);
        drop(held);
        assert_eq!(open_files().check().status(), Status::Pass);
    }
}
