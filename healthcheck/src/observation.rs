//! Observations: results in the liveness report that don't come from a check's run, such as "the runtime doesn't
//! answer".

use crate::health::HealthCheck;
use crate::outcome::Outcome;
use crate::report::CheckResult;
use crate::world::Event;

impl HealthCheck {
    /// Adds a result that doesn't come from a check to the liveness reports. For example, a watchdog can report that
    /// the runtime no longer answers.
    ///
    /// Only liveness reports show the result. They show it under `name` until the next call with the same name replaces
    /// it. If `outcome` is `None`, the call removes the result.
    ///
    /// If a check has the name `name`, the call does nothing.
    ///
    /// If a call passes the same status and output as the previous call with this name, only the result's `timestamp`
    /// changes. Cached reports show the new timestamp after at most a second.
    ///
    /// ```
    /// use healthcheck::{HealthCheck, Outcome, Overall, Selection};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let health = HealthCheck::builder().discover(false).build()?;
    /// health.observe_liveness("event loop", Some(Outcome::fail("stands still")));
    /// assert_eq!(health.report_for(&Selection::liveness()).await?.status, Overall::Failure);
    /// assert_eq!(health.report().await.status, Overall::Success);
    /// # Ok(())
    /// # }
    /// ```
    pub fn observe_liveness(&self, name: &str, outcome: Option<Outcome>) {
        let runner = &self.core().runner;
        let seen = outcome.map(|outcome| {
            let (status, output) = outcome.into_parts();
            (status, runner.sanitize_observed_output(name, output))
        });
        runner.step(Event::Observed { name, seen });
    }

    /// Returns the current result of each name passed to [`observe_liveness`](Self::observe_liveness), sorted by name.
    #[must_use]
    pub fn observations(&self) -> Vec<CheckResult> {
        self.core()
            .runner
            .read(|world| world.observations().cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{Check, Overall, Selection, Status};

    fn health() -> HealthCheck {
        HealthCheck::builder()
            .discover(false)
            .check(Check::new("deadlock", async || true).liveness())
            .check(Check::new("zoo", async || true).liveness())
            .build()
            .unwrap()
    }

    async fn names(health: &HealthCheck, selection: Selection) -> Vec<String> {
        let report = health.report_for(&selection).await.unwrap();
        report
            .results
            .iter()
            .map(|result| result.checker.clone())
            .collect()
    }

    #[tokio::test]
    async fn it_is_told_in_liveness_only_and_by_name() {
        let health = health();
        health.observe_liveness("runtime", Some(Outcome::pass("answers")));
        assert_eq!(
            names(&health, Selection::liveness()).await,
            ["deadlock", "runtime", "zoo"]
        );
        assert_eq!(
            names(&health, Selection::liveness().with_check("runtime")).await,
            ["runtime"]
        );
        assert_eq!(
            names(&health, Selection::liveness().only("runtime")).await,
            ["runtime"]
        );
        assert_eq!(
            names(&health, Selection::liveness().exclude("runtime")).await,
            ["deadlock", "zoo"]
        );
        assert_eq!(names(&health, Selection::all()).await, ["deadlock", "zoo"]);
        assert!(health.report_for(&Selection::checks(["runtime"])).await.is_err());
        let error = health
            .report_for(&Selection::liveness().with_check("runtme"))
            .await
            .unwrap_err();
        assert_eq!(error.known_checks(), ["deadlock", "runtime", "zoo"]);
    }

    #[tokio::test]
    async fn a_failure_fails_liveness_until_it_is_taken_back() {
        let health = health();
        let liveness = Selection::liveness();
        health.observe_liveness("runtime", Some(Outcome::pass("answers")));
        assert_eq!(
            health.report_for(&liveness).await.unwrap().status,
            Overall::Success
        );
        health.observe_liveness("runtime", Some(Outcome::fail("stands still")));
        let failing = health.report_for(&liveness).await.unwrap();
        assert_eq!(failing.status, Overall::Failure);
        assert!(failing.results[1].failing_since.is_some());
        health.observe_liveness("runtime", None);
        assert_eq!(names(&health, liveness.clone()).await, ["deadlock", "zoo"]);
        assert_eq!(
            health.report_for(&liveness).await.unwrap().status,
            Overall::Success
        );
    }

    #[tokio::test]
    async fn a_warning_degrades_liveness() {
        let health = health();
        health.observe_liveness("runtime", Some(Outcome::warn("slow")));
        let report = health.report_for(&Selection::liveness()).await.unwrap();
        assert_eq!(report.status, Overall::Degraded);
    }

    #[tokio::test(start_paused = true)]
    async fn while_it_stays_the_same_its_time_moves_in_one_new_report_a_second() {
        let health = health();
        let liveness = Selection::liveness();
        let see = || health.observe_liveness("runtime", Some(Outcome::pass("answers")));
        let time = |report: &crate::Report| report.get("runtime").unwrap().timestamp.unwrap();
        see();
        let first = health.report_for(&liveness).await.unwrap();
        see();
        tokio::time::advance(Duration::from_millis(999)).await;
        let second = health.report_for(&liveness).await.unwrap();
        assert!(std::sync::Arc::ptr_eq(&first, &second));

        tokio::time::advance(Duration::from_millis(1)).await;
        // The test pauses only the monotonic clock, so wait until the wall clock shows a later time.
        while crate::model::time::epoch_seconds(std::time::SystemTime::now()) <= time(&first) {
            std::thread::yield_now();
        }
        see();
        let third = health.report_for(&liveness).await.unwrap();
        assert!(time(&third) > time(&first), "{third:?}");
        let readiness = health.report_for(&Selection::readiness()).await.unwrap();
        tokio::time::advance(Duration::from_secs(5)).await;
        see();
        let later = health.report_for(&Selection::readiness()).await.unwrap();
        assert!(
            std::sync::Arc::ptr_eq(&readiness, &later),
            "only liveness shows it"
        );
    }

    #[tokio::test]
    async fn a_check_of_the_same_name_takes_its_place() {
        let health = health();
        health.observe_liveness("zoo", Some(Outcome::fail("closed")));
        assert!(health.observations().is_empty());
        let report = health.report_for(&Selection::liveness()).await.unwrap();
        assert_eq!(report.status, Overall::Success);
    }

    #[tokio::test]
    async fn a_check_that_is_added_takes_its_place_whatever_was_observed() {
        let health = health();
        health.observe_liveness("runtime", Some(Outcome::fail("stands still")));
        health
            .add(Check::new("runtime", async || true).liveness())
            .unwrap();
        assert!(health.observations().is_empty());
        let report = health.report_for(&Selection::liveness()).await.unwrap();
        assert_eq!((report.status, report.results.len()), (Overall::Success, 3));
    }

    #[test]
    fn its_changes_are_in_the_history_and_a_first_pass_is_none() {
        let health = health();
        for outcome in [
            Outcome::pass("1"),
            Outcome::pass("2"),
            Outcome::fail("3"),
            Outcome::pass("4"),
        ] {
            health.observe_liveness("runtime", Some(outcome));
        }
        let history = health.history();
        let told: Vec<_> = history.iter().map(|it| (it.checker.as_deref(), it.to)).collect();
        assert_eq!(
            told,
            [(Some("runtime"), Status::Fail), (Some("runtime"), Status::Pass)]
        );
    }
}
