//! The sections that the service adds with the methods of a builder.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::outcome::Outcome;
use crate::output;
use crate::redact::Redaction;
use crate::run::Run;

/// Sections with their names, in the order of the calls. A name may occur twice until the build rejects it.
pub(crate) struct Sections {
    /// The sections whose values never change.
    pub(crate) fixed: Vec<(String, Value)>,
    pub(crate) functions: Vec<(String, Run)>,
}

impl Sections {
    pub(crate) const fn new() -> Self {
        Self {
            fixed: Vec::new(),
            functions: Vec::new(),
        }
    }

    pub(crate) fn insert(&mut self, name: String, value: &impl Serialize) {
        let value = output::to_value(value).unwrap_or_else(|problem| json!({ "error": problem }));
        self.fixed.push((name, value));
    }

    pub(crate) fn insert_fn<T: Serialize>(
        &mut self,
        name: String,
        function: impl Fn() -> T + Send + Sync + 'static,
    ) {
        let run = Run::BlockingWith(Arc::new(move || Outcome::pass(function())));
        self.functions.push((name, run));
    }
}

/// Redacts the fixed sections.
pub(crate) fn redacted(fixed: Vec<(String, Value)>, redaction: &Redaction) -> Map<String, Value> {
    let mut shown = Map::new();
    for (name, value) in fixed {
        let value = redaction.named(&name, value);
        shown.insert(name, value);
    }
    shown
}
