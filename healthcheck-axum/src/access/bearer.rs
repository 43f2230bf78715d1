//! Bearer tokens: fixed ones, and those of a file that may change.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use subtle::{Choice, ConstantTimeEq};

/// For how long the tokens of a file hold before it is read again.
const REREAD: Duration = Duration::from_secs(1);
/// A disk that answers does so in this time; the thread that asks waits no longer.
const PATIENCE: Duration = Duration::from_millis(200);
/// How old the tokens read last may be while the disk doesn't answer.
const OUTDATED: Duration = Duration::from_secs(10);
/// More than this isn't a file of tokens.
const LARGEST: u64 = 64 * 1024;

/// The token that the request presents: the one and only `Authorization`, of the scheme `Bearer` in any case.
pub(super) fn presented(request: &Parts) -> Option<&[u8]> {
    let mut sent = request.headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (sent.next(), sent.next()) else {
        return None;
    };
    let (scheme, token) = value.as_bytes().split_at_checked("Bearer ".len())?;
    let token = token.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"Bearer ") && !token.is_empty()).then_some(token)
}

/// Some tokens, none of them empty.
pub(super) struct Tokens {
    accepted: Vec<Box<[u8]>>,
}

impl Tokens {
    pub(super) fn new(tokens: impl IntoIterator<Item = String>) -> Self {
        let accepted = tokens
            .into_iter()
            .filter(|token| !token.trim().is_empty())
            .map(|token| Box::from(token.trim().as_bytes()));
        Self {
            accepted: accepted.collect(),
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.accepted.is_empty()
    }

    pub(super) const fn len(&self) -> usize {
        self.accepted.len()
    }

    /// Compares with every token to the end, so that the time it takes doesn't tell how much of one was right.
    pub(super) fn contain(&self, presented: &[u8]) -> bool {
        let found = self
            .accepted
            .iter()
            .fold(Choice::from(0), |found, token| found | token.ct_eq(presented));
        bool::from(found)
    }
}

/// The tokens of a file, read again at most once a second.
pub(super) struct TokenFile {
    path: PathBuf,
    read: fn(&Path) -> Read,
    state: Mutex<State>,
}

/// The tokens, or why there are none.
type Read = Result<Tokens, String>;

struct State {
    tokens: Arc<Tokens>,
    /// When the reading of the file began that gave the last answer.
    read: Option<Instant>,
    /// The reading that is going on, and since when.
    reading: Option<(Receiver<Read>, Instant)>,
    /// Why the last reading failed: logged once.
    problem: Option<String>,
}

impl TokenFile {
    pub(super) const fn path(&self) -> &PathBuf {
        &self.path
    }

    pub(super) fn new(path: PathBuf) -> Self {
        let state = State {
            tokens: Arc::new(Tokens::new([])),
            read: None,
            reading: None,
            problem: None,
        };
        Self {
            path,
            read,
            state: Mutex::new(state),
        }
    }

    /// What the file says, at most a second old. A disk that doesn't answer holds nobody up: the tokens read last hold
    /// meanwhile, until they are 10 s old.
    pub(super) fn tokens(&self) -> Arc<Tokens> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.read.is_some_and(|read| read.elapsed() < REREAD) {
            return Arc::clone(&state.tokens);
        }
        let mut going_on = state.reading.take();
        loop {
            let (reading, patience) = match going_on.take() {
                Some(reading) => (reading, Duration::ZERO),
                None => (self.begin(), PATIENCE),
            };
            let (told, began) = &reading;
            match told.recv_timeout(patience) {
                // It was ready for a while before somebody asked: the file may say something else by now.
                Ok(_) if patience.is_zero() && began.elapsed() >= REREAD => continue,
                Ok(tokens) => self.take(&mut state, *began, tokens),
                Err(RecvTimeoutError::Timeout) => {
                    state.reading = Some(reading);
                    if state.read.is_none_or(|read| read.elapsed() >= OUTDATED) {
                        self.refuse(&mut state, "it can't be read: the disk doesn't answer".to_owned());
                    }
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let problem = "no thread is left to read it".to_owned();
                    self.take(&mut state, *began, Err(problem));
                }
            }
            return Arc::clone(&state.tokens);
        }
    }

    /// Reads on a thread apart, which alone waits for a disk.
    fn begin(&self) -> (Receiver<Read>, Instant) {
        let (tell, told) = sync_channel(1);
        let (path, read) = (self.path.clone(), self.read);
        let reader = thread::Builder::new().name("bearer tokens".to_owned());
        // Without a thread the channel is closed, which says so.
        let _ = reader.spawn(move || tell.send(read(&path)));
        (told, Instant::now())
    }

    fn take(&self, state: &mut State, began: Instant, tokens: Read) {
        state.read = Some(began);
        match tokens {
            Ok(tokens) => {
                state.tokens = Arc::new(tokens);
                state.problem = None;
            }
            Err(problem) => self.refuse(state, problem),
        }
    }

    /// A token that was taken away must not go on working.
    fn refuse(&self, state: &mut State, problem: String) {
        state.tokens = Arc::new(Tokens::new([]));
        if state.problem.as_ref() != Some(&problem) {
            tracing::error!(file = %self.path.display(), "the file of bearer tokens lets nobody in: {problem}");
            state.problem = Some(problem);
        }
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
        let mut state = file.state.lock().unwrap();
        state.tokens = Arc::new(Tokens::new(["old".to_owned()]));
        state.read = Instant::now().checked_sub(REREAD);
        drop(state);
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
        file.state.lock().unwrap().read = Instant::now().checked_sub(OUTDATED);
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
            let mut state = file.state.lock().unwrap();
            let (_, began) = state.reading.as_mut().unwrap();
            *began = began.checked_sub(REREAD).unwrap();
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
