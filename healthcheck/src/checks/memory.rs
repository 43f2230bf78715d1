use super::amount::{Amount, Unit, fraction};
use super::held;
use super::thresholds::Thresholds;
use crate::Outcome;
use crate::environment::{cgroup, system};

/// There is memory left: of the container's limit where it has one, else of the machine.
///
/// Warns below 10 % and fails below 5 %; both can be set, as a share or as a size. Free is **available memory**, by
/// one definition for the machine, for a container and in `/environment`: memory that the kernel can hand out without
/// swapping. It is free memory, plus the page cache of files (active and inactive), plus reclaimable slab. For the
/// machine that is `MemAvailable`; for a container its limit less its use, of which page cache and slab are taken off
/// (cgroup v1 and v2). Of nested groups the one that leaves least counts. So a busy page cache alone never fails a
/// container. The kubelet's "working set" counts active page cache as used, and is higher.
///
/// A value that has crossed a limit clears 2 % of the limit above it ([`margin`](Memory::margin)). Where the system
/// doesn't tell (a sandbox without these files), it passes as "unknown, because …".
///
/// Costs reading a few small files of the kernel, about 100 µs. It doesn't see swap, throttling by `memory.high`, a
/// limit of the address space (`ulimit -v`), nor how much a run needs at its peak.
///
/// ```
/// use healthcheck::{Outcome, checks};
///
/// // #[health_check(critical = false)]
/// fn memory() -> Outcome {
///     checks::memory().warn_below("20%").fail_below("64MiB").check()
/// }
/// # memory();
/// ```
pub const fn memory() -> Memory {
    Memory {
        thresholds: Thresholds::new(Unit::Bytes, Some(Amount::Share(0.1)), Some(Amount::Share(0.05))),
    }
}

/// A check that [`memory`] made; [`check`](Self::check) runs it.
#[derive(Clone, Debug)]
#[must_use = "it runs when `check()` is called"]
pub struct Memory {
    thresholds: Thresholds,
}

impl Memory {
    /// Warns where less is free: a share ("20%") or a size ("256MiB"); default 10 %.
    pub fn warn_below(mut self, amount: &str) -> Self {
        self.thresholds.set_warn("warn_below", amount);
        self
    }

    /// Fails where less is free; default 5 %.
    pub fn fail_below(mut self, amount: &str) -> Self {
        self.thresholds.set_fail("fail_below", amount);
        self
    }

    /// Clears only where so much more than the limit is free, as a share of the limit; default "2%".
    pub fn margin(mut self, share: &str) -> Self {
        self.thresholds.set_margin(share);
        self
    }

    /// Looks how much is free. An amount that can't be understood is a failure that says what to write.
    pub fn check(self) -> Outcome {
        if let Some(problem) = self.thresholds.problem("memory") {
            return problem;
        }
        let container = cgroup::limits().and_then(|limits| limits.memory);
        self.judge(system::memory(), container)
    }

    fn judge(&self, machine: Option<system::Memory>, container: Option<cgroup::MemoryLimit>) -> Outcome {
        // A limit beyond the machine's memory is none.
        let container =
            container.filter(|container| machine.is_none_or(|machine| container.limit < machine.total));
        let (free, whole, whose) = match (container, machine) {
            (Some(container), machine) => {
                let Some(free) = container.available() else {
                    return unknown("the use of the container's memory can't be read");
                };
                // The machine may run out before the container does.
                let free = machine.map_or(free, |machine| free.min(machine.available));
                (free, container.limit, "container")
            }
            (None, Some(machine)) => (machine.available, machine.total, "machine"),
            (None, None) => return unknown("this system doesn't tell it"),
        };
        let share = Amount::Share(fraction(free, whole));
        let (free_size, whole_size) = (Amount::Bytes(free), Amount::Bytes(whole));
        let found = format!("{share} of the {whose}'s memory is free ({free_size} of {whole_size})");
        held::judge(self.thresholds.key("memory"), |last| {
            self.thresholds.at_least(free, whole, &found, last)
        })
    }
}

/// An unknown value takes no instance out of service.
fn unknown(why: &str) -> Outcome {
    Outcome::pass(format!("how much memory is free is unknown, because {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Status;

    const GIB: u64 = 1 << 30;
    const MACHINE: system::Memory = system::Memory {
        total: 64 * GIB,
        available: 32 * GIB,
        swap_total: 0,
        swap_free: 0,
    };

    fn in_container(limit: u64, used: u64) -> Outcome {
        memory().judge(
            Some(MACHINE),
            Some(cgroup::MemoryLimit {
                limit,
                used: Some(used),
            }),
        )
    }

    #[test]
    fn the_machine_counts_where_there_is_no_limit() {
        let outcome = memory().judge(Some(MACHINE), None);
        assert_eq!(
            outcome,
            Outcome::pass("50% of the machine's memory is free (32 GiB of 64 GiB)")
        );
    }

    #[test]
    fn a_container_at_its_limit_fails_on_an_idle_machine() {
        assert_eq!(in_container(GIB, GIB / 2).status(), Status::Pass);
        let full = in_container(100, 96);
        assert_eq!(
            full.output(),
            "4% of the container's memory is free (4 bytes of 100 bytes), below 5%"
        );
        assert_eq!(full.status(), Status::Fail);
        assert_eq!(in_container(100, 91).status(), Status::Warn);
    }

    #[test]
    fn a_full_machine_fails_a_container_with_room() {
        let machine = system::Memory {
            available: GIB / 100,
            ..MACHINE
        };
        let limit = cgroup::MemoryLimit {
            limit: GIB,
            used: Some(0),
        };
        assert_eq!(memory().judge(Some(machine), Some(limit)).status(), Status::Fail);
    }

    #[test]
    fn a_limit_beyond_the_machine_is_none() {
        assert_eq!(in_container(128 * GIB, GIB), memory().judge(Some(MACHINE), None));
    }

    #[test]
    fn what_the_system_does_not_tell_is_unknown_and_passes() {
        let hidden = cgroup::MemoryLimit {
            limit: GIB,
            used: None,
        };
        for (machine, container) in [(Some(MACHINE), Some(hidden)), (None, Some(hidden)), (None, None)] {
            let outcome = memory().judge(machine, container);
            assert_eq!(outcome.status(), Status::Pass);
            let told = outcome.output().as_str().unwrap_or_default();
            assert!(told.contains("is unknown, because "), "{told}");
        }
        // A container's limit is enough to judge by.
        let full = cgroup::MemoryLimit {
            limit: 100,
            used: Some(99),
        };
        assert_eq!(memory().judge(None, Some(full)).status(), Status::Fail);
    }

    #[test]
    fn memory_that_swings_around_its_limit_gives_one_transition() {
        use Status::{Pass, Warn};
        let swings = memory().warn_below("10.0%").margin("10%");
        let statuses = [100, 99, 105, 99, 109, 110, 101].map(|free| {
            let limit = cgroup::MemoryLimit {
                limit: 1000,
                used: Some(1000 - free),
            };
            swings.judge(Some(MACHINE), Some(limit)).status()
        });
        assert_eq!(statuses, [Pass, Warn, Warn, Warn, Warn, Pass, Pass]);
    }

    #[test]
    fn nonsense_is_a_failure_and_this_machine_an_answer() {
        assert_eq!(memory().fail_below("half").check().status(), Status::Fail);
        assert_eq!(
            memory().warn_below("0%").fail_below("0%").check().status(),
            Status::Pass
        );
        assert_eq!(memory().fail_below("1000TiB").check().status(), Status::Fail);
    }
}
