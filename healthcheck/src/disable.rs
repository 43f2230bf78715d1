//! `HealthCheck::disable`: removes checks from a running service.

use crate::health::HealthCheck;

impl HealthCheck {
    /// Disables the checks with these names until the process ends. Returns the names that no check has.
    ///
    /// A disabled check isn't run, and no report shows it. Checks that depend on a disabled check run without this
    /// dependency. If you later add a check with a disabled name, the new check is disabled too.
    ///
    /// The servers and routers of `healthcheck-axum` call this method with the names in the environment variable
    /// `HEALTHCHECK_DISABLE`, such as `a,b`.
    ///
    /// ```
    /// use healthcheck::{Check, HealthCheck};
    ///
    /// # fn main() -> Result<(), healthcheck::BuildError> {
    /// let health = HealthCheck::builder().discover(false).check(Check::new("redis", async || true)).build()?;
    /// assert_eq!(health.disable(["redis", "rediss"]), ["rediss"]);
    /// assert_eq!(health.checks().count(), 0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn disable(&self, names: impl IntoIterator<Item = impl Into<String>>) -> Vec<String> {
        let runner = &self.core().runner;
        let mut unknown = Vec::new();
        for name in names.into_iter().map(Into::into) {
            if !runner.remove(&name, true) && !runner.read(|world| world.is_disabled(&name)) {
                unknown.push(name);
            }
        }
        unknown
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;
    use crate::{Check, Overall, Selection, Status};

    async fn names(health: &HealthCheck, selection: Selection) -> Vec<String> {
        let report = health.report_for(&selection).await.unwrap();
        report
            .results
            .iter()
            .map(|result| result.checker.clone())
            .collect()
    }

    #[tokio::test]
    async fn a_disabled_check_is_absent_everywhere_and_the_whole_recovers() {
        let health = HealthCheck::builder()
            .discover(false)
            .check(
                Check::new("broken", async || false)
                    .startup()
                    .readiness()
                    .tags(["x"]),
            )
            .check(Check::new("fine", async || true))
            .build()
            .unwrap();
        let readiness = Selection::readiness();
        assert_eq!(
            health.report_for(&readiness).await.unwrap().reason.as_deref(),
            Some("starting")
        );
        assert_eq!(health.disable(["broken", "broken", "nobody"]), ["nobody"]);

        assert_eq!(names(&health, Selection::all()).await, ["fine"]);
        assert_eq!(names(&health, Selection::startup()).await, Vec::<String>::new());
        let report = health.report_for(&readiness).await.unwrap();
        assert_eq!(
            (report.status, report.reason.as_deref()),
            (Overall::Success, None)
        );
        let error = health
            .report_for(&Selection::checks(["broken"]))
            .await
            .unwrap_err();
        assert_eq!(error.known_checks(), ["fine"]);
        assert!(health.report_for(&Selection::tag("x")).await.is_err());
        assert_eq!(health.checks().count(), 1);
        assert_eq!(health.statistics().checks.len(), 1);
        assert!(
            health
                .set_override("broken", Status::Pass, Duration::from_secs(1), "")
                .is_err()
        );
        let whole = health.history().into_iter().rfind(|it| it.checker.is_none());
        assert_eq!(
            whole.map(|it| it.to),
            Some(Status::Pass),
            "the whole has recovered"
        );
    }

    #[tokio::test]
    async fn that_there_is_no_check_is_said_until_one_is_added() {
        let health = HealthCheck::builder().discover(false).build().unwrap();
        assert_eq!(health.report().await.warnings.len(), 1);
        health.add(Check::new("a", async || true)).unwrap();
        assert_eq!(health.report().await.warnings, Vec::<String>::new());
    }

    #[tokio::test]
    async fn a_check_that_is_added_under_a_disabled_name_stays_out() {
        let health = HealthCheck::builder().discover(false);
        let health = health.check(Check::new("a", async || false)).build().unwrap();
        assert!(health.disable(["a"]).is_empty());
        health.add(Check::new("a", async || false)).unwrap();
        assert_eq!(names(&health, Selection::all()).await, Vec::<String>::new());
        assert!(health.disable(["a"]).is_empty());
    }

    #[tokio::test]
    async fn what_depends_on_it_runs() {
        let health = HealthCheck::builder()
            .discover(false)
            .check(Check::new("dns", async || false))
            .check(Check::new("web", async || true).depends_on(["dns"]))
            .build()
            .unwrap();
        assert_eq!(
            health.report().await.results[1].blocked_by.as_deref(),
            Some("dns")
        );
        health.disable(["dns"]);
        let report = health.report().await;
        assert_eq!(report.status, Overall::Success);
        assert_eq!(report.results[0].checker, "web");
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_not_run_any_more_not_in_the_background_either() {
        let runs = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&runs);
        let health = HealthCheck::builder()
            .discover(false)
            .check(
                Check::new("loop", move || {
                    counted.fetch_add(1, Ordering::Relaxed);
                    async { true }
                })
                .interval(Duration::from_secs(1)),
            )
            .build()
            .unwrap();
        health.disable(["loop"]);
        health.start();
        assert_eq!(health.report().await.results, []);
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(runs.load(Ordering::Relaxed), 0);
    }
}
