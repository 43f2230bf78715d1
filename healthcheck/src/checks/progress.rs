use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, TryLockError};
use std::time::Duration;

use tokio::time::Instant;

use super::span::span;
use crate::Outcome;

/// Checks that work in flight makes progress. The work may be jobs, requests or batches. The check passes if no work is
/// in flight.
///
/// When a piece of work begins, call [`begin`](Self::begin), which returns a [`Work`]. Call [`Work::advance`] after
/// each step of the work, and drop the [`Work`] when the work ends. Each of these three events is a *move* of this
/// piece of work.
///
/// The check
/// - passes if no piece is in flight, or if every piece in flight has moved within `stuck_after`;
/// - warns if at least one piece in flight hasn't moved within `stuck_after`, but another piece has moved;
/// - fails if no piece has moved within `stuck_after`.
///
/// The output of a warning or a failure shows the piece that hasn't moved for the longest time. The output of a failure
/// also shows the time since the last move of any piece.
///
/// All clones of a `Progress` share the same work. Beginning a piece of work costs about 50 ns, and ending a
/// piece of work costs about 50 ns. A run costs about 3 ns for each piece.
///
/// [`begin`](Self::begin) reuses the memory of pieces of work that have ended. Only if it finds none free does it
/// allocate more, and only then can threads that begin work wait for each other.
///
/// The check doesn't notice that work never begins: use [`Heartbeat`](super::Heartbeat) for that. It doesn't see
/// whether work succeeds: use [`ErrorRate`](super::ErrorRate) for that.
///
/// ```
/// use std::time::Duration;
///
/// use healthcheck::checks::Progress;
/// use healthcheck::{Outcome, Status};
///
/// // #[health_check(liveness)]
/// fn jobs(progress: &Progress) -> Outcome {
///     progress.check()
/// }
///
/// let progress = Progress::new(Duration::from_secs(60));
/// let work = progress.begin("export 17");
/// for _row in 0..3 {
///     work.advance();
/// }
/// assert_eq!(jobs(&progress), Outcome::pass("1 in flight"));
/// drop(work);
/// assert_eq!(jobs(&progress), Outcome::pass("idle"));
/// ```
#[derive(Clone)]
pub struct Progress {
    stuck_after: Duration,
    created: Instant,
    stripes: Arc<[Arc<Stripe>; STRIPES]>,
}

/// A piece of work in flight. Drop the `Work` when the work ends. You may move the `Work` to another thread.
#[must_use = "dropped, the work has ended"]
pub struct Work {
    /// The number of the slot that stores the last move of this piece of work. `None` if no slot was free.
    place: Option<Number>,
    stripe: Arc<Stripe>,
}

/// The number of stripes. A stripe is a set of slots, and a slot stores one piece of work.
///
/// Each thread begins its work in only one stripe, so that threads rarely write to the same cache lines.
const STRIPES: usize = 8;

/// A set of slots. Each slot stores one piece of work, and is used again after the work has ended.
///
/// The slots are allocated in blocks, and each block is twice as long as the previous block. The memory of the slots is
/// freed only when the stripe is dropped.
struct Stripe {
    created: Instant,
    blocks: [OnceLock<Box<[Place]>>; BLOCKS],
    /// The number of slots in all blocks.
    places: AtomicUsize,
    /// The number of a slot that is probably free. The search for a free slot begins there.
    free: AtomicUsize,
}

/// The number of a slot in its stripe. The slots are numbered from 0, through all blocks.
type Number = usize;

/// The number of slots in the first block. It must be a power of two.
const FIRST: usize = 8;

/// The maximum number of blocks in a stripe. They are sufficient for about 2^27 pieces of work in flight.
const BLOCKS: usize = 24;

/// A slot, which stores one piece of work. It is aligned to a cache line, so that two slots never share a cache line.
#[repr(align(64))]
struct Place {
    /// The time of the last move of the piece of work in this slot, in nanoseconds since the creation of the stripe.
    /// The time is shifted left by `TIME`, and the lowest bit is set while the piece is in flight.
    ///
    /// The value is 0 until the slot gets its first piece.
    moved: AtomicU64,
    /// The name of the piece of work in this slot. `begin` writes the name, and never waits for this lock. A check
    /// reads the name if the piece is stuck.
    what: Mutex<String>,
}

const IN_FLIGHT: u64 = 1;
const TIME: u32 = 1;

impl Progress {
    /// Returns a check that considers a piece of work stuck if it hasn't moved for longer than `stuck_after`. For
    /// `stuck_after`, choose a few times the usual duration of a step.
    #[must_use]
    pub fn new(stuck_after: Duration) -> Self {
        let created = Instant::now();
        Self {
            stuck_after,
            created,
            stripes: Arc::new(std::array::from_fn(|_| Arc::new(Stripe::new(created)))),
        }
    }

    /// Records that a piece of work begins. `what` is the name of the piece. If the piece is stuck, the output shows
    /// this name.
    pub fn begin(&self, what: impl Into<String>) -> Work {
        // `own_stripe` always returns less than `STRIPES`, so the fallback to the first stripe is never used.
        let stripe = self.stripes.get(own_stripe()).unwrap_or(&self.stripes[0]);
        Work {
            place: stripe.take(what.into()),
            stripe: Arc::clone(stripe),
        }
    }

    /// Runs the check.
    pub fn check(&self) -> Outcome {
        // If the piece of work that seemed stuck moves while `look` runs, `look` returns `None`, and this function
        // calls `look` again. If `look` returns `None` three times, the work makes progress, so the check passes.
        let mut looks = std::iter::repeat_with(|| self.look()).take(3).flatten();
        looks.next().unwrap_or_else(|| Outcome::pass("in flight"))
    }

    /// Reads the state of every piece of work once, and returns the outcome. Returns `None` if the piece that seemed
    /// stuck has moved before `look` has read its name.
    fn look(&self) -> Option<Outcome> {
        let now = nanos(self.created);
        let stuck_after = u64::try_from(self.stuck_after.as_nanos()).unwrap_or(u64::MAX);
        let is_stuck = |moved: u64| now.saturating_sub(moved) > stuck_after;
        let (mut in_flight, mut stuck, mut latest) = (0_u64, 0_u64, 0);
        let mut oldest: Option<(u64, &Place)> = None;
        for place in self.stripes.iter().flat_map(|stripe| stripe.all()) {
            let state = place.moved.load(Ordering::Acquire);
            let moved = state >> TIME;
            latest = latest.max(moved);
            if state & IN_FLIGHT == 0 {
                continue;
            }
            in_flight += 1;
            stuck += u64::from(is_stuck(moved));
            if oldest.is_none_or(|(oldest, _)| moved < oldest) {
                oldest = Some((moved, place));
            }
        }
        let Some((moved, place)) = oldest else {
            return Some(Outcome::pass("idle"));
        };
        if stuck == 0 {
            return Some(Outcome::pass(format!("{in_flight} in flight")));
        }
        let for_how_long = |since: u64| span(Duration::from_nanos(now.saturating_sub(since)));
        let name = place.name();
        let oldest = format!("the oldest, {name:?}, for {}", for_how_long(moved));
        // If the slot has changed since the loop above read it, `name` may already be the name of the next piece of
        // work in this slot.
        if place.moved.load(Ordering::Acquire) != moved << TIME | IN_FLIGHT {
            return None;
        }
        Some(if is_stuck(latest) {
            Outcome::fail(format!(
                "nothing has moved for {}: {in_flight} in flight, {oldest}",
                for_how_long(latest)
            ))
        } else {
            Outcome::warn(format!(
                "{stuck} of {in_flight} in flight haven't moved for longer than {}: {oldest}",
                span(self.stuck_after)
            ))
        })
    }
}

impl Work {
    /// Records that a step of this piece of work has ended.
    pub fn advance(&self) {
        self.moved(IN_FLIGHT);
    }

    fn moved(&self, in_flight: u64) {
        if let Some(place) = self.place.and_then(|place| self.stripe.place(place)) {
            let now = nanos(self.stripe.created);
            place.moved.store(now << TIME | in_flight, Ordering::Release);
        }
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.moved(0);
        if let Some(place) = self.place {
            self.stripe.free.store(place, Ordering::Relaxed);
        }
    }
}

impl Stripe {
    fn new(created: Instant) -> Self {
        Self {
            created,
            blocks: [const { OnceLock::new() }; BLOCKS],
            places: AtomicUsize::new(0),
            free: AtomicUsize::new(0),
        }
    }

    /// Takes a free slot for the piece of work named `what`, and returns the number of the slot. If no slot is free,
    /// first adds a block of slots, or returns `None` if the stripe already has the maximum number of blocks.
    fn take(&self, what: String) -> Option<Number> {
        let now = nanos(self.created);
        let likely = self.free.load(Ordering::Relaxed);
        let mut what = what;
        if let Some(place) = self.place(likely) {
            match place.take(now, what) {
                Ok(()) => {
                    self.free.store(likely + 1, Ordering::Relaxed);
                    return Some(likely);
                }
                Err(given_back) => what = given_back,
            }
        }
        self.look_for(now, what)
    }

    #[cold]
    fn look_for(&self, now: u64, mut what: String) -> Option<Number> {
        loop {
            let places = self.places.load(Ordering::Acquire);
            let likely = self.free.load(Ordering::Relaxed).min(places);
            for number in (likely..places).chain(0..likely) {
                match self.place(number)?.take(now, what) {
                    Ok(()) => {
                        self.free.store(number + 1, Ordering::Relaxed);
                        return Some(number);
                    }
                    Err(given_back) => what = given_back,
                }
            }
            let (block, _) = block_of(places);
            self.blocks
                .get(block)?
                .get_or_init(|| (0..FIRST << block).map(|_| Place::new()).collect());
            // Another thread may add the same block at the same time. Because of `fetch_max`, `places` still counts the
            // slots of this block only once.
            self.places.fetch_max(places + (FIRST << block), Ordering::AcqRel);
            self.free.store(places, Ordering::Relaxed);
        }
    }

    fn place(&self, number: Number) -> Option<&Place> {
        let (block, index) = block_of(number);
        self.blocks.get(block)?.get()?.get(index)
    }

    fn all(&self) -> impl Iterator<Item = &Place> {
        self.blocks
            .iter()
            .map_while(OnceLock::get)
            .flat_map(|block| block.iter())
    }
}

/// Returns the index of the block that contains a slot, and the slot's index in that block. All blocks before block `n`
/// together have `(FIRST << n) - FIRST` slots.
const fn block_of(number: Number) -> (usize, usize) {
    let number = number + FIRST;
    let block = (number / FIRST).ilog2() as usize;
    (block, number - (FIRST << block))
}

impl Place {
    fn new() -> Self {
        Self {
            moved: AtomicU64::new(0),
            what: Mutex::default(),
        }
    }

    /// Takes this slot for the piece of work named `what`. If the slot isn't free, returns `what` as the error.
    fn take(&self, now: u64, what: String) -> Result<(), String> {
        let is_free = || self.moved.load(Ordering::Acquire) & IN_FLIGHT == 0;
        if !is_free() {
            return Err(what);
        }
        // Another thread may hold the lock, either to take this slot or to read the name of the previous piece of work
        // for a check. If another thread holds the lock, the caller of `take` tries another slot.
        let mut name = match self.what.try_lock() {
            Ok(name) => name,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Err(what),
        };
        if !is_free() {
            return Err(what);
        }
        *name = what;
        // Store the time while this thread holds the lock. The next thread that gets the lock to take this slot then
        // sees that the slot isn't free.
        //
        // A check that has read the new time waits for the lock before it reads the name, so it reads the new name.
        self.moved.store(now << TIME | IN_FLIGHT, Ordering::Release);
        Ok(())
    }

    fn name(&self) -> String {
        let name = self
            .what
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        name.clone()
    }
}

/// Returns the nanoseconds since `since`, but at most 2^63 - 1. That is 292 years.
fn nanos(since: Instant) -> u64 {
    let elapsed = since.elapsed();
    let nanos = elapsed.as_secs().saturating_mul(1_000_000_000);
    nanos
        .saturating_add(elapsed.subsec_nanos().into())
        .min(u64::MAX >> TIME)
}

/// Returns the index of the current thread's stripe. Each new thread gets the next stripe in turn.
fn own_stripe() -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static OWN: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    let own = OWN.try_with(|own| {
        if own.get() == usize::MAX {
            own.set(THREADS.fetch_add(1, Ordering::Relaxed) % STRIPES);
        }
        own.get()
    });
    // `try_with` returns an error in a destructor that runs after the thread's local values were dropped. In such a
    // destructor, use stripe 0.
    own.unwrap_or(0)
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress")
            .field("stuck_after", &self.stuck_after)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.place.and_then(|place| self.stripe.place(place));
        f.debug_struct("Work")
            .field("what", &place.map(Place::name))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use tokio::time::advance;

    use super::*;
    use crate::Status;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn idle_passes_however_long_and_work_that_moves_does() {
        let progress = Progress::new(30 * SECOND);
        advance(3_600 * SECOND).await;
        assert_eq!(progress.check(), Outcome::pass("idle"));
        let work = progress.clone().begin("export");
        for _ in 0..10 {
            advance(30 * SECOND).await;
            assert_eq!(progress.check(), Outcome::pass("1 in flight"));
            work.advance();
        }
        drop(work);
        advance(3_600 * SECOND).await;
        assert_eq!(progress.check(), Outcome::pass("idle"));
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_is_stuck_beside_others_that_move_warns_and_names_the_oldest() {
        let progress = Progress::new(30 * SECOND);
        let oldest = progress.begin("export 17");
        advance(5 * SECOND).await;
        let second = progress.begin("export 18");
        let moving = progress.begin("import");
        advance(40 * SECOND).await;
        moving.advance();
        assert_eq!(
            progress.check(),
            Outcome::warn(
                "2 of 3 in flight haven't moved for longer than 30 s: the oldest, \"export 17\", for 45 s"
            )
        );
        drop(oldest);
        second.advance();
        assert_eq!(progress.check(), Outcome::pass("2 in flight"));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_that_moves_fails_and_an_end_is_a_move() {
        let progress = Progress::new(30 * SECOND);
        let stuck = progress.begin("export");
        let other = progress.begin("import");
        advance(20 * SECOND).await;
        drop(other);
        advance(20 * SECOND).await;
        assert_eq!(
            progress.check().status(),
            Status::Warn,
            "something has ended 20 s ago"
        );
        advance(11 * SECOND).await;
        assert_eq!(
            progress.check(),
            Outcome::fail("nothing has moved for 31 s: 1 in flight, the oldest, \"export\", for 51 s")
        );
        let _new = progress.begin("import");
        assert_eq!(progress.check().status(), Status::Warn);
        drop(stuck);
        assert_eq!(progress.check(), Outcome::pass("1 in flight"));
    }

    #[test]
    fn many_pieces_have_a_place_each_and_places_are_used_again() {
        let progress = Progress::new(60 * SECOND);
        let many: Vec<Work> = (0..10_000)
            .map(|number| progress.begin(number.to_string()))
            .collect();
        assert_eq!(progress.check(), Outcome::pass("10000 in flight"));
        let names: std::collections::BTreeSet<String> = many
            .iter()
            .filter_map(|work| Some(work.stripe.place(work.place?)?.name()))
            .collect();
        assert_eq!(names.len(), 10_000);
        drop(many);
        let places = || -> usize {
            let stripes = progress.stripes.iter();
            stripes.map(|stripe| stripe.places.load(Ordering::Relaxed)).sum()
        };
        let before = places();
        for _ in 0..100_000 {
            drop(progress.begin("again"));
        }
        let _held: Vec<Work> = (0..10_000).map(|_| progress.begin("again")).collect();
        assert_eq!(places(), before);
    }

    #[test]
    fn threads_begin_and_end_work_while_a_check_looks() {
        let progress = Progress::new(Duration::ZERO);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for number in 0..20_000 {
                        let outer = progress.begin("outer");
                        let inner = progress.begin(format!("inner {number}"));
                        outer.advance();
                        // End the outer piece of work before the inner piece. Without these lines, Rust would drop the
                        // inner piece first.
                        drop(outer);
                        drop(inner);
                    }
                });
            }
            scope.spawn(|| {
                for _ in 0..2_000 {
                    let outcome = progress.check();
                    let told = outcome.output().as_str().unwrap_or_default().to_owned();
                    // A slot that is just being taken still has an empty name. A check must never show such a name.
                    assert!(!told.contains("\"\""), "{told}");
                }
            });
        });
        assert_eq!(progress.check(), Outcome::pass("idle"));
    }

    #[test]
    fn work_may_end_on_another_thread_and_after_its_progress() {
        let progress = Progress::new(SECOND);
        let work = progress.begin("moved");
        assert!(format!("{work:?}").contains("moved"));
        drop(progress.clone());
        let ended = thread::spawn(move || drop(work)).join();
        assert!(ended.is_ok());
        assert_eq!(progress.check(), Outcome::pass("idle"));
        let last = Progress::new(SECOND).begin("left alone");
        last.advance();
    }
}
