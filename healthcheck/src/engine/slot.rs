//! One check or section: what is fixed about it, and the state of its runs.

use std::borrow::Cow;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::policy::Policy;
use super::state::State;
use crate::check::CheckInfo;
use crate::redact::Redaction;
use crate::run::Run;

/// One check or section: what is fixed about it, and the state of its runs.
pub(crate) struct Slot {
    pub(crate) subject: Subject,
    pub(crate) run: Run,
    /// Shared, since most checks have the same.
    pub(crate) policy: Arc<Policy>,
    /// Indices of the slots that have to pass before this one is run.
    pub(crate) depends_on: Box<[u32]>,
    pub(crate) dependants: Box<[u32]>,
    /// Taken out after the build: as if it weren't there.
    pub(crate) disabled: AtomicBool,
    /// Locked through [`Slot::lock`] alone.
    state: Mutex<State>,
    pub(super) ended: Notify,
}

/// What a slot is about.
pub(crate) enum Subject {
    Check(Arc<CheckInfo>),
    Section(Cow<'static, str>),
}

impl Slot {
    pub(crate) fn new(subject: Subject, run: Run, policy: Arc<Policy>) -> Self {
        Self {
            subject,
            run,
            policy,
            depends_on: Box::default(),
            dependants: Box::default(),
            disabled: AtomicBool::new(false),
            state: Mutex::default(),
            ended: Notify::new(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        match &self.subject {
            Subject::Check(info) => info.name(),
            Subject::Section(name) => name,
        }
    }

    /// Hides the secrets in what a check says of itself. What stands in the source can't be one.
    pub(crate) fn redact_description(&mut self, redaction: &Redaction) {
        if let Subject::Check(info) = &mut self.subject {
            for text in Arc::make_mut(info).own_texts_mut() {
                let shown = redaction.text(text);
                if shown != *text {
                    *text = shown.into_owned();
                }
            }
        }
    }

    pub(crate) const fn check(&self) -> Option<&Arc<CheckInfo>> {
        match &self.subject {
            Subject::Check(info) => Some(info),
            Subject::Section(_) => None,
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        // Only transitions of the state run under the lock, and none of them panics half-way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
