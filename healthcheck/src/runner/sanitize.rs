//! An output as it may leave the process: redacted, then cut. In this order, since half a secret has no shape.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::Value;

use crate::redact::{MASK, Redaction};
use crate::world::Subject;

/// An output of more bytes than this is cut, unless the settings say otherwise.
pub(crate) const LONGEST_OUTPUT: usize = 16 * 1024;

/// The output of a check or section as it may leave the process.
pub(super) fn sanitize(redaction: &Redaction, longest: usize, subject: &Subject, output: Value) -> Value {
    let redact = || match subject {
        Subject::Check(_) => redaction.value(output),
        Subject::Section(name) => redaction.named(name, output),
    };
    // The user's rules are guarded by themselves. Whatever else happens, the run ends with a result.
    let redacted = catch_unwind(AssertUnwindSafe(redact)).unwrap_or_else(|_| MASK.into());
    match subject {
        Subject::Check(_) => cut(redacted, longest),
        Subject::Section(_) => redacted,
    }
}

/// The output as far as it is shown.
pub(super) fn cut(output: Value, longest: usize) -> Value {
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
