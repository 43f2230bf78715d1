use super::amount::Amount;
use super::held::{self, MARGIN};
use crate::environment::system;
use crate::{Outcome, Status};

/// Checks the machine's load per CPU. The load is the number of tasks that run or wait for a CPU. On Linux it also
/// includes the tasks that wait for a disk.
///
/// By default, the check warns if the load per CPU is above 2, on average over five minutes.
///
/// The check fails only if you set [`fail_above`](Load::fail_above). A busy machine still answers. If a load balancer
/// removed the machine, its load would move to the other machines.
///
/// After the load has risen above a limit, the check recovers only once the load is 2 % below this limit, such as 1.96
/// for a limit of 2. [`margin`](Load::margin) sets another margin.
///
/// In a container, the check still uses the load of the whole machine. If the system doesn't report the load (Windows,
/// a sandbox without `/proc/loadavg`), the check passes, and the output says "unknown, because …".
///
/// A run reads two small kernel files, which takes about 5 µs. The check doesn't see the CPU limit of a container, or
/// how often that limit throttles this process (`nr_throttled` in `cpu.stat`).
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
        margin: Some(MARGIN),
    }
}

/// The check returned by [`load`]. Call [`check`](Self::check) to run it.
#[derive(Clone, Copy, Debug)]
#[must_use = "it runs when `check()` is called"]
pub struct Load {
    warn: f64,
    fail: Option<f64>,
    /// `None` if the text passed to `margin` isn't a share.
    margin: Option<f64>,
}

impl Load {
    /// Sets the load per CPU above which the check warns. Default: 2.
    pub const fn warn_above(mut self, load: f64) -> Self {
        self.warn = load;
        self
    }

    /// Sets the load per CPU above which the check fails. By default, the check never fails.
    pub const fn fail_above(mut self, load: f64) -> Self {
        self.fail = Some(load);
        self
    }

    /// Sets how far below a crossed limit the load must fall before the check recovers, as a share of that limit.
    /// Default: "2%".
    pub fn margin(mut self, share: &str) -> Self {
        self.margin = Amount::share_of(share);
        self
    }

    /// Runs the check. If a limit or the margin is invalid, the check fails, and the output shows a valid example.
    pub fn check(self) -> Outcome {
        self.judge(system::load().map(|load| load.five), cpus())
    }

    fn judge(self, load: Option<f64>, cpus: Option<usize>) -> Outcome {
        for (method, threshold) in [("warn_above", Some(self.warn)), ("fail_above", self.fail)] {
            if let Some(threshold) = threshold
                && (threshold <= 0.0 || threshold.is_nan())
            {
                return Outcome::fail(format!(
                    "load: {method}({threshold:?}) is no threshold: write a number above zero, as in {method}(2.0)"
                ));
            }
        }
        let Some(margin) = self.margin else {
            return Outcome::fail("load: margin(…) isn't a share: write one like \"2%\"");
        };
        let (load, cpus) = match (load, cpus) {
            (Some(load), Some(cpus)) if load.is_finite() => (load, cpus.max(1)),
            (None, _) => return unknown("this system doesn't tell it"),
            (_, None) => return unknown("this system doesn't tell how many CPUs it has"),
            _ => return unknown("this system's figure is no number"),
        };
        let each = load / cpus as f64;
        let found = format!("{each:.2} tasks for each of {cpus} CPUs over five minutes");
        let key = format!("load {:?} {:?} {margin}", self.warn, self.fail);
        held::judge(key, |last| {
            for (limit, status) in [(self.fail, Status::Fail), (Some(self.warn), Status::Warn)] {
                let Some(limit) = limit else { continue };
                let clears = limit * (1.0 - margin);
                let told = if each > limit {
                    format!("{found}, above {limit}")
                } else if last >= status && each > clears {
                    format!("{found}, was above {limit} and clears at {clears:.2}")
                } else {
                    continue;
                };
                return match status {
                    Status::Fail => Outcome::fail(told),
                    _ => Outcome::warn(told),
                };
            }
            Outcome::pass(found)
        })
    }
}

/// Returns the number of CPUs of the whole machine, because the load is that of the whole machine. On Linux, this
/// function doesn't use `available_parallelism`, which may return a lower number in a container.
fn cpus() -> Option<usize> {
    let online = system::online_cpus();
    if cfg!(target_os = "linux") {
        return online;
    }
    online.or_else(|| std::thread::available_parallelism().ok().map(usize::from))
}

fn unknown(why: &str) -> Outcome {
    Outcome::pass(format!("the load is unknown, because {why}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::Status;

    #[test]
    fn the_load_counts_for_each_cpu() {
        assert_eq!(load().judge(Some(8.0), Some(4)).status(), Status::Pass);
        assert_eq!(
            load().judge(Some(9.0), Some(4)),
            Outcome::warn("2.25 tasks for each of 4 CPUs over five minutes, above 2")
        );
        assert_eq!(
            load().fail_above(2.2).judge(Some(9.0), Some(4)).status(),
            Status::Fail
        );
        assert_eq!(load().judge(Some(1e9), Some(1)).status(), Status::Warn);
    }

    #[test]
    fn a_threshold_that_is_none_is_a_failure() {
        for wrong in [
            load().warn_above(f64::NAN),
            load().fail_above(0.0),
            load().warn_above(-1.0),
        ] {
            let outcome = wrong.judge(Some(0.0), Some(1));
            assert_eq!(outcome.status(), Status::Fail, "{wrong:?}");
            assert!(
                outcome.output().as_str().unwrap().contains("above zero"),
                "{outcome:?}"
            );
        }
    }

    #[test]
    fn what_the_system_does_not_tell_is_unknown_and_passes() {
        for (tasks, cpus) in [
            (None, Some(4)),
            (Some(900.0), None),
            (Some(f64::NAN), Some(1)),
            (None, None),
        ] {
            let outcome = load().fail_above(1.0).judge(tasks, cpus);
            assert_eq!(outcome.status(), Status::Pass);
            let told = outcome.output().as_str().unwrap();
            assert!(told.starts_with("the load is unknown, because "), "{told}");
        }
    }

    #[test]
    fn a_load_that_swings_around_its_limit_gives_one_transition() {
        use Status::{Fail, Pass, Warn};
        let swings = load().warn_above(2.5).fail_above(5.0);
        let statuses = [2.5, 2.51, 2.49, 2.51, 2.46, 2.45, 2.49, 5.1, 4.95, 4.8]
            .map(|load| swings.judge(Some(load), Some(1)).status());
        assert_eq!(
            statuses,
            [Pass, Warn, Warn, Warn, Warn, Pass, Pass, Fail, Fail, Warn]
        );
        assert_eq!(load().margin("a bit").judge(Some(0.0), Some(1)).status(), Fail);
    }

    #[cfg(unix)]
    #[test]
    fn this_machine_has_a_load() {
        assert_eq!(load().warn_above(1e9).check().status(), Status::Pass);
    }
}
