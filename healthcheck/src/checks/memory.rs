use super::amount::{Amount, Unit, fraction};
use super::held;
use super::thresholds::Thresholds;
use crate::Outcome;
use crate::environment::{cgroup, system};

/// Checks that memory is available. In a container with a memory limit, the check uses that limit. Otherwise it uses
/// the memory of the machine.
///
/// By default, the check warns if less than 10 % of the memory is available, and fails if less than 5 % is available.
/// [`warn_below`](Memory::warn_below) and [`fail_below`](Memory::fail_below) set other limits, as a share or as a size.
///
/// **Available memory** is memory that the kernel can allocate without swapping: free memory + page cache of files
/// (active and inactive) + reclaimable slab. `/environment` uses the same definition.
/// - For a machine, available memory is `MemAvailable`.
/// - For a container (cgroup v1 or v2), available memory is the container's limit minus its used memory, where used
///   memory doesn't include page cache and reclaimable slab.
/// - For nested cgroups, the check uses the cgroup with the least available memory.
///
/// Page cache that fills a container doesn't make the check fail, because page cache is a part of the available memory.
///
/// The kubelet's "working set" includes the active page cache. So it is higher than the used memory that this check
/// calculates.
///
/// After the available memory has fallen below a limit, the check recovers only once the available memory is 2 % above
/// this limit, such as 5.1 % for a limit of 5 %. [`margin`](Memory::margin) sets another margin.
///
/// If the system doesn't report its memory (a sandbox without the kernel's files), the check passes, and the output
/// says "unknown, because …".
///
/// A run reads a few small kernel files, which takes about 100 µs. The check doesn't see swap, throttling by
/// `memory.high`, a limit of the address space (`ulimit -v`), or peaks between two runs.
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

/// The check returned by [`memory`]. Call [`check`](Self::check) to run it.
#[derive(Clone, Debug)]
#[must_use = "it runs when `check()` is called"]
pub struct Memory {
    thresholds: Thresholds,
}

impl Memory {
    /// Sets the available memory below which the check warns, as a share ("20%") or a size ("256MiB"). Default: 10 %.
    pub fn warn_below(mut self, amount: &str) -> Self {
        self.thresholds.set_warn("warn_below", amount);
        self
    }

    /// Sets the available memory below which the check fails, as a share or a size. Default: 5 %.
    pub fn fail_below(mut self, amount: &str) -> Self {
        self.thresholds.set_fail("fail_below", amount);
        self
    }

    /// Sets how far above a crossed limit the available memory must rise before the check recovers, as a share of that
    /// limit. Default: "2%".
    pub fn margin(mut self, share: &str) -> Self {
        self.thresholds.set_margin(share);
        self
    }

    /// Runs the check. If a limit or the margin is invalid, the check fails, and the output shows a valid example.
    pub fn check(self) -> Outcome {
        if let Some(problem) = self.thresholds.problem("memory") {
            return problem;
        }
        let container = cgroup::limits().and_then(|limits| limits.memory);
        self.judge(system::memory(), container)
    }

    fn judge(&self, machine: Option<system::Memory>, container: Option<cgroup::MemoryLimit>) -> Outcome {
        // Ignore a container's limit that isn't below the machine's memory: the container never reaches such a limit.
        let container =
            container.filter(|container| machine.is_none_or(|machine| container.limit < machine.total));
        let (free, whole, whose) = match (container, machine) {
            (Some(container), machine) => {
                let Some(free) = container.available() else {
                    return unknown("the use of the container's memory can't be read");
                };
                // The machine may have less available memory than the container. Use the smaller number.
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

/// Returns a passing outcome for unknown memory: an unknown value must not remove an instance from service.
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
        // If the machine's memory is unknown, the container's limit still applies.
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
