//! The sections that the service adds with the builder's methods, in addition to the annotated sections.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::outcome::Outcome;
use crate::output;
use crate::redact::Redaction;
use crate::run::Run;

/// The sections of a builder, in the order in which the service added them. Two sections may have the same name until
/// the build rejects them.
pub(crate) struct Sections {
    /// The names and values of the sections whose values never change.
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

/// Redacts the values of the sections that never change. Returns the values by name.
pub(crate) fn redacted(fixed: Vec<(String, Value)>, redaction: &Redaction) -> Map<String, Value> {
    let mut shown = Map::new();
    for (name, value) in fixed {
        let value = redaction.named(&name, value);
        shown.insert(name, value);
    }
    shown
}
