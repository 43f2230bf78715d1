//! An output as it may leave the process: redacted, then cut. In this order, since half a secret has no shape.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::Value;

use super::Engine;
use super::slot::{Slot, Subject};
use crate::redact::MASK;

/// An output of more bytes than this is cut, unless the settings say otherwise.
pub(crate) const LONGEST_OUTPUT: usize = 16 * 1024;

impl Engine {
    /// The output as it may leave the process.
    pub(crate) fn publishable(&self, slot: &Slot, output: Value) -> Value {
        let redact = || match &slot.subject {
            Subject::Check(_) => self.redaction.value(output),
            Subject::Section(name) => self.redaction.named(name, output),
        };
        // Rules of the user's are guarded by themselves. Whatever else happens, the run ends with a result.
        let redacted = catch_unwind(AssertUnwindSafe(redact)).unwrap_or_else(|_| MASK.into());
        match slot.subject {
            Subject::Check(_) => self.cut(redacted),
            Subject::Section(_) => redacted,
        }
    }

    /// The output as far as it is told.
    pub(crate) fn cut(&self, output: Value) -> Value {
        cut(output, self.longest_output)
    }
}

fn cut(output: Value, longest: usize) -> Value {
    let text = match output {
        Value::String(text) if text.len() > longest => text,
        Value::Array(_) | Value::Object(_) => match output.to_string() {
            text if text.len() > longest => text,
            _ => return output,
        },
        _ => return output,
    };
    let end = (0..=longest)
        .rev()
        .find(|&end| text.is_char_boundary(end))
        .unwrap_or_default();
    format!("{} … (cut after {end} of {} bytes)", &text[..end], text.len()).into()
}
