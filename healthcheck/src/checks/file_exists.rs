use std::path::Path;

use crate::Outcome;

/// Checks that a file or directory exists. The check follows symbolic links.
///
/// A run costs one `stat` call, about 0.5 µs on a local disk. A dead network disk may block a run for minutes. So call
/// the check in a sync function, which runs on its own thread.
///
/// If `path` is a symbolic link to a missing file, the check fails. If this process has no permission for a parent
/// directory, the check fails too, and the output shows the error.
///
/// The check doesn't see the content of the file, or whether this process may read the file.
///
/// ```
/// use healthcheck::{Outcome, Status, checks};
///
/// fn license() -> Outcome {
///     checks::file_exists("/etc/orders/license.pem")
/// }
/// assert_eq!(license().output(), "/etc/orders/license.pem doesn't exist");
/// ```
pub fn file_exists(path: impl AsRef<Path>) -> Outcome {
    let path = path.as_ref();
    let shown = path.display();
    match path.try_exists() {
        Ok(true) => Outcome::pass(format!("{shown} exists")),
        Ok(false) => Outcome::fail(format!("{shown} doesn't exist")),
        Err(error) => Outcome::fail(format!("can't tell whether {shown} exists: {error}")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::Status;

    #[test]
    fn a_file_and_a_directory_are_there_until_they_are_removed() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("flag");
        assert_eq!(file_exists(&file).status(), Status::Fail);
        std::fs::write(&file, "").unwrap();
        assert_eq!(file_exists(&file).status(), Status::Pass);
        assert_eq!(file_exists(directory.path()).status(), Status::Pass);
        std::fs::remove_file(&file).unwrap();
        assert_eq!(
            file_exists(&file).output(),
            &format!("{} doesn't exist", file.display())
        );
    }

    #[test]
    fn what_cannot_be_looked_at_is_not_said_to_be_missing() {
        let outcome = file_exists("nul\0byte");
        assert_eq!(outcome.status(), Status::Fail);
        assert!(
            outcome
                .output()
                .as_str()
                .unwrap()
                .starts_with("can't tell whether"),
            "{outcome:?}"
        );
    }
}
