//! The section `process`: the operating system's data about this process. This module returns the data without
//! redaction; the caller redacts the data.

use std::env;
use std::ffi::OsString;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

use super::system;

/// Collects the section `process`. `argv`, `cwd`, `user`, `pid` and `environ` have the same form as in py-healthcheck.
///
/// `start_time` is in seconds since the epoch, `uptime` in seconds, `memory` in bytes. If a text contains bytes that
/// aren't UTF-8, U+FFFD replaces these bytes.
pub(crate) fn collect() -> Value {
    let process = system::process();
    json!({
        "argv": argv(env::args_os()),
        // `current_dir` fails if the working directory was removed or can't be read.
        "cwd": env::current_dir().ok().map(|path| path.to_string_lossy().into_owned()),
        "user": system::user(&process),
        "uid": process.uid,
        "pid": std::process::id(),
        "environ": environ(env::vars_os()),
        "start_time": process.uptime.and_then(|uptime| started(SystemTime::now(), uptime)),
        "uptime": process.uptime.map(|uptime| hundredths(uptime.as_secs_f64())),
        "memory": { "resident": process.resident, "virtual": process.virtual_size },
        "threads": process.threads,
        "open_files": process.open_files,
        "open_files_limit": process.open_files_limit,
    })
}

fn argv(arguments: impl Iterator<Item = OsString>) -> Vec<String> {
    arguments
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect()
}

fn environ(variables: impl Iterator<Item = (OsString, OsString)>) -> Map<String, Value> {
    variables
        .map(|(name, value)| {
            (
                name.to_string_lossy().into_owned(),
                Value::String(value.to_string_lossy().into_owned()),
            )
        })
        .collect()
}

fn started(now: SystemTime, uptime: Duration) -> Option<f64> {
    let started = now.checked_sub(uptime)?.duration_since(UNIX_EPOCH).ok()?;
    Some(hundredths(started.as_secs_f64()))
}

/// Rounds to hundredths of a second, the precision of the kernel's process times.
fn hundredths(seconds: f64) -> f64 {
    (seconds * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_start_is_the_wall_clock_less_the_uptime() {
        let now = UNIX_EPOCH + Duration::from_millis(100_500);
        assert_eq!(started(now, Duration::from_millis(250)), Some(100.25));
        // If the wall clock is wrong, the calculated start may be before the epoch. Then `started` returns `None`.
        assert_eq!(started(now, Duration::from_secs(1_000)), None);
    }

    #[test]
    fn this_process_is_shown_by_its_own_words() {
        let section = collect();
        assert_eq!(section["pid"], std::process::id());
        assert_eq!(section["argv"][0], env::args().next().unwrap());
        assert_eq!(section["cwd"], env::current_dir().unwrap().to_str().unwrap());
        assert!(
            section["environ"]
                .as_object()
                .unwrap()
                .values()
                .all(Value::is_string)
        );
    }
}

/// Tests that need a separate process. They run the test binary again as a child process.
#[cfg(all(test, target_os = "linux"))]
mod child_tests {
    #![allow(clippy::unwrap_used, clippy::print_stdout)]
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::process::Command;

    use super::*;

    const SHOWN: &str = "SECTION ";

    fn this_binary() -> Command {
        Command::new(env::current_exe().unwrap())
    }

    /// Starts this test binary with `command`, so that it runs only the test `child`. Returns the section that `child`
    /// prints.
    fn in_child(mut command: Command) -> Value {
        command
            .args([
                "--exact",
                "environment::process::child_tests::child",
                "--nocapture",
            ])
            .env("HEALTHCHECK_TEST_ROLE", "child");
        let output = command.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        // The test harness prints "test … " on the same line, before the section.
        let (_, shown) = text.split_once(SHOWN).unwrap();
        serde_json::from_str(shown.lines().next().unwrap()).unwrap()
    }

    /// Prints the section `process` if `in_child` started this process. In a normal test run, prints nothing.
    #[test]
    fn child() {
        let section = collect();
        if env::var_os("HEALTHCHECK_TEST_ROLE").is_some() {
            println!("{SHOWN}{section}");
        }
        assert!(section.is_object());
    }

    #[test]
    fn arguments_that_are_not_utf8_are_shown_lossily() {
        // This test starts no child process, because the test harness rejects arguments that aren't UTF-8.
        let arguments = [OsString::from("--name"), OsStr::from_bytes(b"caf\xe9").to_owned()];
        assert_eq!(argv(arguments.into_iter()), ["--name", "caf\u{fffd}"]);
    }

    #[test]
    fn variables_that_are_not_utf8_are_shown_lossily() {
        let mut command = this_binary();
        command.env(
            OsStr::from_bytes(b"ODD_\xff"),
            OsStr::from_bytes(b"caf\xe9 \xf0\x9f"),
        );
        let section = in_child(command);
        assert_eq!(section["environ"]["ODD_\u{fffd}"], "caf\u{fffd} \u{fffd}");
        assert_eq!(section["argv"][1], "--exact");
    }

    #[test]
    fn a_removed_working_directory_is_null() {
        let gone = tempfile::tempdir().unwrap();
        // A shell removes its working directory, then replaces itself with this test binary.
        let mut command = Command::new("sh");
        command
            .args(["-c", r#"rmdir "$PWD"; exec "$@""#, "sh"])
            .arg(env::current_exe().unwrap());
        command.current_dir(gone.path());
        let section = in_child(command);
        assert_eq!(section["cwd"], Value::Null);
        assert!(section["pid"].is_number());
    }

    #[test]
    fn uptime_starts_with_the_process() {
        let section = in_child(this_binary());
        assert!(section["uptime"].as_f64().unwrap() < 60.0);
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs_f64();
        assert!((now - section["start_time"].as_f64().unwrap()).abs() < 60.0);
    }
}
