use std::fs::Metadata;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::span::span;
use crate::Outcome;

/// Checks that a file was written within the last `max_age`. The file may be a backup, an export or the marker of a
/// cron job.
///
/// If `path` is a directory, the check fails. The modification time of a directory changes when a file is added or
/// removed, but doesn't change when a file in the directory is written.
///
/// The check doesn't see whether the file is complete or empty. If a job fails after it has opened the file, the file
/// is fresh but incomplete. To prevent that, let the job write to a temporary file, and rename the temporary file at
/// the end.
///
/// The check doesn't notice if a program has set the file's time explicitly (`touch`, a restored archive).
///
/// A run costs one `stat` call. Call the check in a sync function, which runs on its own thread.
///
/// The check compares the file's time with the machine's clock. If the file's time is more than `max_age` in the
/// future, the check fails. Otherwise a file that a broken clock dated a year ahead would pass for a year.
///
/// ```
/// use std::time::Duration;
///
/// use healthcheck::{Outcome, checks};
///
/// fn backup() -> Outcome {
///     checks::file_fresh("/var/backups/orders.dump", Duration::from_secs(26 * 3600))
/// }
/// # assert_eq!(backup().status(), healthcheck::Status::Fail);
/// ```
pub fn file_fresh(path: impl AsRef<Path>, max_age: Duration) -> Outcome {
    let path = path.as_ref();
    let metadata = path.metadata();
    if metadata.as_ref().is_ok_and(Metadata::is_dir) {
        return Outcome::fail(format!("{} is a directory: name a file in it", path.display()));
    }
    match metadata.and_then(|metadata| metadata.modified()) {
        Ok(modified) => judge(path, SystemTime::now(), modified, max_age),
        Err(error) => Outcome::fail(format!("can't read when {} was written: {error}", path.display())),
    }
}

fn judge(path: &Path, now: SystemTime, modified: SystemTime, max_age: Duration) -> Outcome {
    let (shown, limit) = (path.display(), span(max_age));
    match now.duration_since(modified) {
        Ok(age) if age <= max_age => Outcome::pass(format!("{shown} was written {} ago", span(age))),
        Ok(age) => Outcome::fail(format!(
            "{shown} was written {} ago, longer than {limit}",
            span(age)
        )),
        Err(ahead) if ahead.duration() <= max_age => Outcome::pass(format!("{shown} was written just now")),
        Err(ahead) => {
            let ahead = span(ahead.duration());
            Outcome::fail(format!(
                "{shown} was written {ahead} in the future, more than {limit}: check the clocks"
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::Status;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn a_file_is_fresh_until_its_age_is_over_the_limit() {
        let now = SystemTime::now();
        let at = |age| judge(Path::new("/export"), now, now - age, HOUR);
        assert_eq!(at(HOUR).status(), Status::Pass);
        let old = at(HOUR + Duration::from_secs(60));
        assert_eq!(old.output(), "/export was written 1 h 1 min ago, longer than 1 h");
        assert_eq!(old.status(), Status::Fail);
    }

    #[test]
    fn a_file_from_the_future_does_not_stay_fresh_for_ever() {
        let now = SystemTime::now();
        let ahead = |ahead| judge(Path::new("/export"), now, now + ahead, HOUR).status();
        assert_eq!(ahead(Duration::from_secs(1)), Status::Pass);
        assert_eq!(ahead(2 * HOUR), Status::Fail);
    }

    #[test]
    fn a_file_just_written_is_fresh_and_a_missing_one_fails() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("export");
        let missing = file_fresh(&file, HOUR);
        assert_eq!(missing.status(), Status::Fail);
        assert!(
            missing.output().as_str().unwrap().contains("No such file"),
            "{missing:?}"
        );
        std::fs::write(&file, "").unwrap();
        assert_eq!(file_fresh(&file, HOUR).status(), Status::Pass);
        // The test has just added a file to the directory, so the directory's time is recent. The check must fail
        // nevertheless.
        let folder = file_fresh(directory.path(), HOUR);
        assert_eq!(folder.status(), Status::Fail);
        assert!(
            folder
                .output()
                .as_str()
                .unwrap()
                .ends_with("is a directory: name a file in it")
        );
    }
}
