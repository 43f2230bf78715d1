use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, TryLockError};
use std::time::Duration;

use tokio::time::Instant;

use super::span::span;
use crate::Outcome;

/// Work moves: jobs, requests, batches. Idle is fine, stuck isn't.
///
/// [`begin`](Self::begin) says that a piece of work has begun, [`Work::advance`] that it has come a step further, and
/// dropping the [`Work`] that it has ended. The check
/// - passes while nothing is in flight, and while everything in flight has moved within `stuck_after`;
/// - warns where one piece hasn't moved for that long beside others that do, and names the oldest;
/// - fails where nothing at all has moved for that long, and names the oldest and for how long.
///
/// Clones are the same. To begin and to drop a piece takes about 50 ns each, of which 20 ns are a look at the clock;
/// no thread ever waits for another, but for memory when there are more pieces in flight than ever before. A check
/// looks at all pieces: about 3 ns each. The clock is monotonic.
///
/// It doesn't see work that should have begun and didn't ([`Heartbeat`](super::Heartbeat)), nor whether moving
/// work succeeds ([`ErrorRate`](super::ErrorRate)).
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

/// A piece of work in flight; dropped, it has ended. It may be moved to another thread.
#[must_use = "dropped, the work has ended"]
pub struct Work {
    /// `None` where there was no place left for it.
    place: Option<Number>,
    stripe: Arc<Stripe>,
}

/// Threads are spread over so many, so that they don't pull at the same memory.
const STRIPES: usize = 8;

/// Places for pieces of work, in blocks of which each is twice as long as the one before. A place is used again, and
/// none is given back.
struct Stripe {
    created: Instant,
    blocks: [OnceLock<Box<[Place]>>; BLOCKS],
    /// How many places there are.
    places: AtomicUsize,
    /// Where a place is likely to be free.
    free: AtomicUsize,
}

/// Which place of a stripe: counted over all of its blocks.
type Number = usize;

/// The length of the first block, a power of two.
const FIRST: usize = 8;

/// Enough for 2^27 pieces in flight.
const BLOCKS: usize = 24;

/// In a cache line of its own.
#[repr(align(64))]
struct Place {
    /// When it last began, advanced or ended, in nanoseconds from the stripe's creation, and in the lowest bit
    /// whether a piece is in flight. 0 before the first.
    moved: AtomicU64,
    /// `begin` writes it, and a check reads it to name a stuck piece. `begin` never waits for this lock.
    what: Mutex<String>,
}

const IN_FLIGHT: u64 = 1;
const TIME: u32 = 1;

impl Progress {
    /// One that calls work stuck when it hasn't moved for longer than `stuck_after`. Choose it a few times as long as a
    /// step usually takes.
    #[must_use]
    pub fn new(stuck_after: Duration) -> Self {
        let created = Instant::now();
        Self {
            stuck_after,
            created,
            stripes: Arc::new(std::array::from_fn(|_| Arc::new(Stripe::new(created)))),
        }
    }

    /// A piece of work begins; `what` names it where it gets stuck.
    pub fn begin(&self, what: impl Into<String>) -> Work {
        // By a number below STRIPES.
        let stripe = self.stripes.get(own_stripe()).unwrap_or(&self.stripes[0]);
        Work {
            place: stripe.take(what.into()),
            stripe: Arc::clone(stripe),
        }
    }

    /// Judges the work in flight.
    pub fn check(&self) -> Outcome {
        // A piece that moves meanwhile is looked at again; one that moves each time isn't stuck.
        let mut looks = std::iter::repeat_with(|| self.look()).take(3).flatten();
        looks.next().unwrap_or_else(|| Outcome::pass("in flight"))
    }

    /// `None` where the piece that was stuck has moved meanwhile.
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
        // Else the name may be its successor's.
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
    /// It has come a step further.
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

    /// Takes a free place, of a new block where there is none.
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
            // Another thread may have done so at the same time.
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

/// The block of a place and its index in there: the blocks before one are together FIRST shorter than itself.
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

    /// Takes it where it is free; else the name is given back.
    fn take(&self, now: u64, what: String) -> Result<(), String> {
        let is_free = || self.moved.load(Ordering::Acquire) & IN_FLIGHT == 0;
        if !is_free() {
            return Err(what);
        }
        // Another thread takes it, or a check reads the name of the piece before, which was stuck until a moment ago.
        let mut name = match self.what.try_lock() {
            Ok(name) => name,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Err(what),
        };
        if !is_free() {
            return Err(what);
        }
        *name = what;
        // Before the lock is released: the next thread that takes it finds the place taken, a check finds the name.
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

/// Enough for 292 years.
fn nanos(since: Instant) -> u64 {
    let elapsed = since.elapsed();
    let nanos = elapsed.as_secs().saturating_mul(1_000_000_000);
    nanos
        .saturating_add(elapsed.subsec_nanos().into())
        .min(u64::MAX >> TIME)
}

/// Threads are counted as they come.
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
    // A thread that ends has none any more.
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
                        // Ended by another order than they began.
                        drop(outer);
                        drop(inner);
                    }
                });
            }
            scope.spawn(|| {
                for _ in 0..2_000 {
                    let outcome = progress.check();
                    let told = outcome.output().as_str().unwrap_or_default().to_owned();
                    // Never the empty name of a place that is just being taken.
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
