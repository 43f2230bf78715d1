//! Writes the failing checks to Kubernetes' termination message file when the drain begins, and again when the server
//! ends. `kubectl describe pod` shows the content of this file.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use healthcheck::{CheckResult, HealthCheck, Selection, Status};

use crate::render::{self, OneLine};

/// The largest size of the text, in bytes. Kubernetes reads no more bytes than this.
const LONGEST: usize = 4_096;
/// How long writing to a slow disk may delay the end of the process.
const PATIENCE: Duration = Duration::from_secs(1);

/// Writes the checks whose latest result is a failure to the file at `path`, if that file exists. Writes nothing if no
/// check fails. Ignores errors, because the process is ending.
pub(crate) async fn write(path: PathBuf, health: &HealthCheck) {
    let mut results = health.observations();
    let known = health.last_known(&Selection::all());
    results.extend(known.iter().flat_map(|report| report.results.iter().cloned()));
    let text = text(&results);
    if text.is_empty() {
        return;
    }
    let writing = tokio::task::spawn_blocking(move || overwrite(&path, &text));
    let _ = tokio::time::timeout(PATIENCE, writing).await;
}

/// Returns one line for each check that has run and fails, followed by the advice for this check. The outputs in
/// `results` are already redacted.
fn text(results: &[CheckResult]) -> String {
    let failing = results
        .iter()
        .filter(|result| result.status == Status::Fail && result.timestamp.is_some());
    let mut text = String::new();
    for result in failing {
        let CheckResult { checker, output, .. } = result;
        // Writing to a string can't fail.
        let _ = writeln!(text, "{}: {}", OneLine(checker), OneLine(&render::output(output)));
        let _ = render::advice(result, LONGEST, &mut text);
    }
    let end = (0..=LONGEST.min(text.len())).rfind(|&end| text.is_char_boundary(end));
    text.truncate(end.unwrap_or_default());
    text
}

fn overwrite(path: &Path, text: &str) -> io::Result<()> {
    // Writes only to a regular file, because opening a pipe would wait until another process reads from the pipe.
    if fs::metadata(path)?.is_file() {
        let mut file = fs::OpenOptions::new().write(true).truncate(true).open(path)?;
        file.write_all(text.as_bytes())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use healthcheck::{Check, Outcome};

    use super::*;

    async fn written(health: &HealthCheck) -> String {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("termination-log");
        fs::write(&path, "of the process before").unwrap();
        write(path.clone(), health).await;
        fs::read_to_string(&path).unwrap()
    }

    fn with(checks: impl IntoIterator<Item = Check>) -> HealthCheck {
        let builder = HealthCheck::builder().discover(false);
        checks
            .into_iter()
            .fold(builder, healthcheck::HealthCheckBuilder::check)
            .build()
            .unwrap()
    }

    #[tokio::test]
    async fn it_names_the_failing_checks_with_their_redacted_outputs() {
        let password = "hunter2";
        let health = with([
            Check::new("database", move || {
                let url = format!("postgres://app:{password}@db/orders refused");
                async move { Outcome::fail(url) }
            }),
            Check::new("fine", async || "fine"),
            Check::new("queue", async || Outcome::fail(serde_json::json!({ "depth": 9 }))),
        ]);
        health.report().await;
        health.observe_liveness("runtime", Some(Outcome::fail("stands still")));
        let text = written(&health).await;
        assert!(!text.contains(password), "{text}");
        assert_eq!(
            text.replace("********", "app"),
            "runtime: stands still\ndatabase: postgres://app:app@db/orders refused\nqueue: {\"depth\":9}\n"
        );
    }

    #[tokio::test]
    async fn it_says_what_to_do_about_what_fails() {
        let database = Check::new("database", async || Outcome::fail("refused"))
            .owner("orders")
            .runbook("https://runbooks.example/orders")
            .when_it_fails("A failover takes 40 s: wait.\nLonger: page the storage team.");
        let health = with([database]);
        health.report().await;
        assert_eq!(
            written(&health).await,
            "database: refused\n    owner: orders\n    runbook: https://runbooks.example/orders\n    \
             when it fails: A failover takes 40 s: wait.\n      Longer: page the storage team.\n"
        );
    }

    #[tokio::test]
    async fn no_output_fakes_a_line() {
        let fake = "x\ndatabase: everything is lost\u{1b}[2J";
        let health = with([Check::new("queue", move || async move { Outcome::fail(fake) })]);
        health.report().await;
        assert_eq!(
            written(&health).await,
            "queue: x\\ndatabase: everything is lost\\u{1b}[2J\n"
        );
    }

    #[tokio::test]
    async fn where_nothing_fails_it_writes_nothing() {
        let health = with([Check::new("fine", async || "fine")]);
        health.report().await;
        assert_eq!(written(&health).await, "of the process before");
    }

    #[tokio::test]
    async fn a_check_that_never_ran_does_not_fail_here() {
        let health = with([Check::new("slow", std::future::pending::<bool>)]);
        assert_eq!(written(&health).await, "of the process before");
    }

    #[tokio::test]
    async fn it_is_never_longer_than_kubernetes_reads() {
        let health =
            with((0..10).map(|n| Check::new(format!("check{n}"), async || Outcome::fail("ä".repeat(600)))));
        health.report().await;
        let text = written(&health).await;
        assert!(
            (LONGEST - 1..=LONGEST).contains(&text.len()),
            "{} bytes",
            text.len()
        );
    }

    #[tokio::test]
    async fn a_file_that_does_not_exist_is_not_created() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("termination-log");
        let health = with([Check::new("broken", async || false)]);
        health.report().await;
        write(path.clone(), &health).await;
        assert!(!path.exists());
        // Writing to a directory fails. `write` ignores this error.
        write(directory.path().to_owned(), &health).await;
    }
}
