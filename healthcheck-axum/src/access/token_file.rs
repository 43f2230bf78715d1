//! Reads bearer tokens from a file, and rereads the file so that changes take effect.

use std::fs::{self, File};
use std::io::Read as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::credentials::Tokens;

use crate::log::log;

/// When the tokens are this old, the next request reads the file again.
const REREAD: Duration = Duration::from_secs(1);
/// How long a request waits for the file to be read. A working disk answers within this time.
const PATIENCE: Duration = Duration::from_millis(200);
/// While the disk doesn't answer, the tokens that were last read stay valid until they are this old.
const OUTDATED: Duration = Duration::from_secs(10);
/// The largest size of a token file, in bytes. The rule refuses a larger file, which is probably not a list of tokens.
const LARGEST: u64 = 64 * 1024;

/// A file of bearer tokens, and the tokens that were last read from it. A `TokenFile` reads the file at most once a
/// second.
pub(super) struct TokenFile {
    path: PathBuf,
    read: fn(&Path) -> Read,
    known: Mutex<Known>,
}

/// The tokens in the file, or the reason why the file couldn't be read.
type Read = Result<Tokens, String>;

/// The tokens that were read last, and the reading of the file that is in progress, if any.
struct Known {
    tokens: Arc<Tokens>,
    /// The time at which the last completed reading began. `None` until a reading has completed.
    read: Option<Instant>,
    /// The reading of the file that is in progress, if any.
    reading: Option<Reading>,
    /// The reason why the last reading of the file failed. If the next reading fails for the same reason, `refuse`
    /// doesn't log it again.
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

    /// Returns the tokens in the file, read at most a second ago. If the disk doesn't answer within 200 ms, returns the
    /// previous tokens. If these are older than 10 s, returns no token.
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
                // An earlier request began this reading more than a second ago. The file may have changed since then,
                // so the loop reads it again.
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

    /// Discards the tokens and logs the problem. Otherwise a token that an operator removed would stay valid while the
    /// file can't be read.
    fn refuse(&self, known: &mut Known, problem: String) {
        known.tokens = Arc::new(Tokens::new([]));
        if known.problem.as_ref() != Some(&problem) {
            known.problem = Some(problem.clone());
            let file = self.path.clone();
            log!(ERROR, file = %file.display(), "no bearer token is accepted: {problem}");
        }
    }
}

/// A reading of the file in a separate thread. If the disk doesn't answer, a request can stop waiting for this thread.
struct Reading {
    result: Arc<ResultCell>,
    began: Instant,
}

/// Holds the result of a reading of the file. `read` is `None` until the reading ends.
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

    /// Waits for the result of this reading. Returns `None` if the reading takes longer than `patience`.
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
    // The path may be a named pipe. Opening a pipe would block until another process opens the pipe for writing. So
    // this function first checks that the path is a regular file.
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

    /// The content of the token file in these tests. While a test has locked `DISK`, no reading of the file completes.
    static FILE: Mutex<&str> = Mutex::new("");
    static DISK: Mutex<()> = Mutex::new(());
    static BEGUN: AtomicUsize = AtomicUsize::new(0);
    /// Each test locks `TURN` first, because all tests share the other statics of this module.
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

    /// Returns a token file that read the token "old" from the disk a second ago. The disk now contains "new", but the
    /// disk doesn't answer, because the caller has locked `DISK`.
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
        // The reading in progress has already read "new". The file changes again before a request takes the result of
        // this reading.
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
