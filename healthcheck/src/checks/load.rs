use std::thread;

use crate::Outcome;
use crate::environment::system;

/// The machine's load: how many tasks run or wait for a CPU (on Linux also for a disk), for each CPU.
///
/// Warns above 2 for each CPU over the last five minutes and never fails, unless [`fail_above`](Load::fail_above) says
/// when: a busy machine still answers, and taking it out of service puts its load on the others. It is the whole
/// machine's load, in a container, too. Costs reading two small files of the kernel, about 5 µs; not known on Windows,
/// and then a warning.
///
/// ```
/// use healthcheck::{Outcome, checks};
///
/// // #[health_check(critical = false)]
/// fn load() -> Outcome {
///     checks::load().warn_above(1.5).fail_above(10.0).check()
/// }
/// # load();
/// ```
pub const fn load() -> Load {
    Load {
        warn: 2.0,
        fail: None,
    }
}

/// A check that [`load`] made; [`check`](Self::check) runs it.
#[derive(Clone, Copy, Debug)]
#[must_use = "it runs when `check()` is called"]
pub struct Load {
    warn: f64,
    fail: Option<f64>,
}

impl Load {
    /// Warns where the load for each CPU is higher; default 2.
    pub const fn warn_above(mut self, load: f64) -> Self {
        self.warn = load;
        self
    }

    /// Fails where the load for each CPU is higher; by default it never does.
    pub const fn fail_above(mut self, load: f64) -> Self {
        self.fail = Some(load);
        self
    }

    /// Looks at the load. A threshold that is no number above zero is a failure that says what to write.
    pub fn check(self) -> Outcome {
        let cpus = system::online_cpus().or_else(|| thread::available_parallelism().ok().map(usize::from));
        match (system::load(), cpus) {
            (Some(load), Some(cpus)) => self.judge(load.five, cpus),
            _ => Outcome::warn("the load isn't known on this system"),
        }
    }

    fn judge(self, load: f64, cpus: usize) -> Outcome {
        for (method, threshold) in [("warn_above", Some(self.warn)), ("fail_above", self.fail)] {
            if let Some(threshold) = threshold
                && (threshold <= 0.0 || threshold.is_nan())
            {
                return Outcome::fail(format!(
                    "load: {method}({threshold:?}) is no threshold: write a number above zero, as in {method}(2.0)"
                ));
            }
        }
        let each = load / cpus.max(1) as f64;
        let found = format!("{each:.2} tasks for each of {cpus} CPUs over five minutes");
        if let Some(fail) = self.fail.filter(|&fail| each > fail) {
            Outcome::fail(format!("{found}, above {fail}"))
        } else if each > self.warn {
            Outcome::warn(format!("{found}, above {}", self.warn))
        } else {
            Outcome::pass(found)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::Status;

    #[test]
    fn the_load_counts_for_each_cpu() {
        assert_eq!(load().judge(8.0, 4).status(), Status::Pass);
        assert_eq!(
            load().judge(9.0, 4),
            Outcome::warn("2.25 tasks for each of 4 CPUs over five minutes, above 2")
        );
        assert_eq!(load().fail_above(2.2).judge(9.0, 4).status(), Status::Fail);
        assert_eq!(load().judge(1e9, 1).status(), Status::Warn);
    }

    #[test]
    fn a_threshold_that_is_none_is_a_failure() {
        for wrong in [
            load().warn_above(f64::NAN),
            load().fail_above(0.0),
            load().warn_above(-1.0),
        ] {
            let outcome = wrong.judge(0.0, 1);
            assert_eq!(outcome.status(), Status::Fail, "{wrong:?}");
            assert!(
                outcome.output().as_str().unwrap().contains("above zero"),
                "{outcome:?}"
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn this_machine_has_a_load() {
        assert_eq!(load().warn_above(1e9).check().status(), Status::Pass);
    }
}
