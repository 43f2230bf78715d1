//! Bearer tokens of a file that may change.

use std::fs::{self, File};
use std::io::Read as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::credentials::Tokens;

use crate::log::log;

/// For how long the tokens of a file hold before it is read again.
const REREAD: Duration = Duration::from_secs(1);
/// A working disk answers in this time; a request waits no longer for it.
const PATIENCE: Duration = Duration::from_millis(200);
/// How old the tokens read last may be while the disk doesn't answer.
const OUTDATED: Duration = Duration::from_secs(10);
/// More than this isn't a file of tokens.
const LARGEST: u64 = 64 * 1024;

/// The tokens of a file, read again at most once a second.
pub(super) struct TokenFile {
    path: PathBuf,
    read: fn(&Path) -> Read,
    known: Mutex<Known>,
}

/// The tokens, or why there are none.
type Read = Result<Tokens, String>;

/// What is known of the file so far.
struct Known {
    tokens: Arc<Tokens>,
    /// When the reading of the file began that gave the last answer.
    read: Option<Instant>,
    /// The reading that is going on.
    reading: Option<Reading>,
    /// Why the last reading failed: logged once.
    problem: Option<String>,
}

impl TokenFile {
    pub(super) const fn path(&self) -> &PathBuf {
        &self.path
    }

    pub(super) fn new(path: PathBuf) -> Self {
        let known = Known {
            tokens: Arc::new(Tokens::new([])),
            read: None,
            reading: None,
            problem: None,
        };
        Self {
            path,
            read,
            known: Mutex::new(known),
        }
    }

    /// The tokens in the file, at most a second old. If the disk doesn't answer, the tokens read last are valid meanwhile,
    /// until they are 10 s old.
    pub(super) fn tokens(&self) -> Arc<Tokens> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.read.is_some_and(|read| read.elapsed() < REREAD) {
            return Arc::clone(&known.tokens);
        }
        let mut going_on = known.reading.take();
        loop {
            let (reading, patience) = match going_on.take() {
                Some(reading) => (reading, Duration::ZERO),
                None => (Reading::begin(self.path.clone(), self.read), PATIENCE),
            };
            match reading.wait(patience) {
                // It was read a while before this request: the file may have changed since.
                Some(_) if patience.is_zero() && reading.began.elapsed() >= REREAD => continue,
                Some(tokens) => self.take(&mut known, reading.began, tokens),
                None => {
                    known.reading = Some(reading);
                    if known.read.is_none_or(|read| read.elapsed() >= OUTDATED) {
                        self.refuse(&mut known, "it can't be read: the disk doesn't answer".to_owned());
                    }
                }
            }
            return Arc::clone(&known.tokens);
        }
    }

    fn take(&self, known: &mut Known, began: Instant, tokens: Read) {
        known.read = Some(began);
        match tokens {
            Ok(tokens) => {
                known.tokens = Arc::new(tokens);
                known.problem = None;
            }
            Err(problem) => self.refuse(known, problem),
        }
    }

    /// A token that was removed from the file must stop working.
    fn refuse(&self, known: &mut Known, problem: String) {
        known.tokens = Arc::new(Tokens::new([]));
        if known.problem.as_ref() != Some(&problem) {
            known.problem = Some(problem.clone());
            let file = self.path.clone();
            log!(ERROR, file = %file.display(), "no bearer token is accepted: {problem}");
        }
    }
}

/// One reading of the file, on a thread apart, which alone waits for a disk.
struct Reading {
    result: Arc<ResultCell>,
    began: Instant,
}

/// Hands the tokens from the thread that reads to the one that waits.
#[derive(Default)]
struct ResultCell {
    read: Mutex<Option<Read>>,
    ready: Condvar,
}

impl Reading {
    fn begin(path: PathBuf, read: fn(&Path) -> Read) -> Self {
        let this = Self {
            result: Arc::default(),
            began: Instant::now(),
        };
        let result = Arc::clone(&this.result);
        let thread = thread::Builder::new().name("bearer tokens".to_owned());
        let reading = move || {
            let read = catch_unwind(AssertUnwindSafe(|| read(&path)));
            result.set(read.unwrap_or_else(|_| Err("reading it panicked".to_owned())));
        };
        if thread.spawn(reading).is_err() {
            this.result.set(Err("no thread is left to read it".to_owned()));
        }
        this
    }

    /// The tokens, `None` if reading them takes longer.
    fn wait(&self, patience: Duration) -> Option<Read> {
        let read = self.result.read.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .result
            .ready
            .wait_timeout_while(read, patience, |read| read.is_none());
        let (mut read, _) = waited.unwrap_or_else(PoisonError::into_inner);
        read.take()
    }
}

impl ResultCell {
    fn set(&self, read: Read) {
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = Some(read);
        self.ready.notify_one();
    }
}

fn read(path: &Path) -> Read {
    let mut text = String::new();
    // A pipe would be waited for until somebody writes into it.
    let is_file = fs::metadata(path).map_err(|error| error.to_string())?.is_file();
    if !is_file {
        return Err("it is no file".to_owned());
    }
    let file = File::open(path).map_err(|error| error.to_string())?;
    file.take(LARGEST + 1)
        .read_to_string(&mut text)
        .map_err(|error| error.to_string())?;
    if text.len() as u64 > LARGEST {
        return Err("it is larger than 64 KiB".to_owned());
    }
    let tokens = Tokens::new(text.lines().map(str::to_owned));
    if tokens.is_empty() {
        return Err("it holds no token; write one a line".to_owned());
    }
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use std::sync::MutexGuard;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// What the file of the tests below says, and the disk that it lies on: who holds the lock keeps it from answering.
    static FILE: Mutex<&str> = Mutex::new("");
    static DISK: Mutex<()> = Mutex::new(());
    static BEGUN: AtomicUsize = AtomicUsize::new(0);
    /// One test at a time.
    static TURN: Mutex<()> = Mutex::new(());

    fn hold<T>(lock: &'static Mutex<T>) -> MutexGuard<'static, T> {
        lock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn from_the_disk(_: &Path) -> Read {
        let token = *hold(&FILE);
        BEGUN.fetch_add(1, Ordering::SeqCst);
        drop(hold(&DISK));
        Ok(Tokens::new([token.to_owned()]))
    }

    /// A file that said "old" a second ago, on a disk that has stopped answering.
    fn stopped() -> TokenFile {
        BEGUN.store(0, Ordering::SeqCst);
        *hold(&FILE) = "new";
        let file = TokenFile {
            read: from_the_disk,
            ..TokenFile::new(PathBuf::from("tokens"))
        };
        let mut known = file.known.lock().unwrap();
        known.tokens = Arc::new(Tokens::new(["old".to_owned()]));
        known.read = Instant::now().checked_sub(REREAD);
        drop(known);
        file
    }

    #[test]
    fn a_disk_that_does_not_answer_holds_nobody_up_and_nothing_is_read_twice_at_once() {
        let _turn = hold(&TURN);
        let disk = hold(&DISK);
        let file = stopped();
        for _ in 0..3 {
            assert!(
                file.tokens().contain(b"old"),
                "the tokens read last hold meanwhile"
            );
        }
        file.known.lock().unwrap().read = Instant::now().checked_sub(OUTDATED);
        assert!(file.tokens().is_empty(), "and not for long");
        assert!(BEGUN.load(Ordering::SeqCst) <= 1);
        drop(disk);
        while file.tokens().is_empty() {
            thread::yield_now();
        }
        assert!(file.tokens().contain(b"new"));
    }

    #[test]
    fn a_reading_that_was_ready_long_before_somebody_asks_is_not_believed() {
        let _turn = hold(&TURN);
        let disk = hold(&DISK);
        let file = stopped();
        assert!(file.tokens().contain(b"old"));
        while BEGUN.load(Ordering::SeqCst) == 0 {
            thread::yield_now();
        }
        // It has read "new", which is taken away before anybody asks again.
        *hold(&FILE) = "newest";
        drop(disk);
        {
            let mut known = file.known.lock().unwrap();
            let reading = known.reading.as_mut().unwrap();
            reading.began = reading.began.checked_sub(REREAD).unwrap();
        }
        loop {
            let tokens = file.tokens();
            assert!(!tokens.contain(b"new"));
            if tokens.contain(b"newest") {
                break;
            }
            thread::yield_now();
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_in_the_place_of_the_file_lets_nobody_in() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tokens");
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        assert!(TokenFile::new(path.clone()).tokens().is_empty());
        assert!(read(&path).is_err(), "not even opened");
    }
}
