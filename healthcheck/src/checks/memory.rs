use super::amount::{Amount, Unit, fraction};
use super::thresholds::Thresholds;
use crate::Outcome;
use crate::environment::{cgroup, system};

/// There is memory left: of the container's limit where it has one, else of the machine.
///
/// Warns below 10 % and fails below 5 %; both can be set, as a share or as a size. Free is what can be had without
/// swapping: page cache that the kernel gives back counts as free, in a container, too (the kubelet's "working set"
/// counts as used). Costs reading a few small files of the kernel, about 50 µs; not known on every system, and then
/// a warning.
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

    /// Looks how much is free. An amount that can't be understood is a failure that says what to write.
    pub fn check(self) -> Outcome {
        if let Some(problem) = self.thresholds.problem("memory") {
            return problem;
        }
        let container = cgroup::limits().and_then(|limits| limits.memory);
        match system::memory() {
            Some(machine) => self.judge(machine, container),
            None => Outcome::warn("how much memory is free isn't known on this system"),
        }
    }

    fn judge(&self, machine: system::Memory, container: Option<cgroup::MemoryLimit>) -> Outcome {
        // A limit beyond the machine's memory is none.
        let container = container.filter(|container| container.limit < machine.total);
        let (free, whole, whose) = match container {
            Some(container) => {
                let free = container.limit.saturating_sub(container.used.unwrap_or(0));
                // The machine may run out before the container does.
                (free.min(machine.available), container.limit, "container")
            }
            None => (machine.available, machine.total, "machine"),
        };
        let share = Amount::Share(fraction(free, whole));
        let (free_size, whole_size) = (Amount::Bytes(free), Amount::Bytes(whole));
        let found = format!("{share} of the {whose}'s memory is free ({free_size} of {whole_size})");
        self.thresholds.at_least(free, whole, &found)
    }
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
            MACHINE,
            Some(cgroup::MemoryLimit {
                limit,
                used: Some(used),
            }),
        )
    }

    #[test]
    fn the_machine_counts_where_there_is_no_limit() {
        let outcome = memory().judge(MACHINE, None);
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
        assert_eq!(memory().judge(machine, Some(limit)).status(), Status::Fail);
    }

    #[test]
    fn a_limit_beyond_the_machine_is_none() {
        assert_eq!(in_container(128 * GIB, GIB), memory().judge(MACHINE, None));
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
