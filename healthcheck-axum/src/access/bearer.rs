//! Bearer tokens: fixed ones, and those of a file that may change.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use subtle::{Choice, ConstantTimeEq};

/// For how long the tokens of a file hold before it is read again.
const REREAD: Duration = Duration::from_secs(1);
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
    state: Mutex<State>,
}

struct State {
    tokens: Arc<Tokens>,
    read: Option<Instant>,
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
            problem: None,
        };
        Self {
            path,
            state: Mutex::new(state),
        }
    }

    /// What the file says, at most a second old.
    pub(super) fn tokens(&self) -> Arc<Tokens> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.read.is_some_and(|read| read.elapsed() < REREAD) {
            return Arc::clone(&state.tokens);
        }
        state.read = Some(Instant::now());
        match read(&self.path) {
            Ok(tokens) => {
                state.tokens = Arc::new(tokens);
                state.problem = None;
            }
            Err(problem) => {
                // A token that was taken away must not go on working.
                state.tokens = Arc::new(Tokens::new([]));
                if state.problem.as_ref() != Some(&problem) {
                    tracing::error!(
                        file = %self.path.display(),
                        "the file of bearer tokens lets nobody in: {problem}"
                    );
                    state.problem = Some(problem);
                }
            }
        }
        Arc::clone(&state.tokens)
    }
}

fn read(path: &Path) -> Result<Tokens, String> {
    let mut text = String::new();
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
