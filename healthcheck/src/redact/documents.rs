//! A text that is a JSON document as a whole is read as one, so that what the scanners can't see in it (a value that
//! stands before its name, arguments in a list, escaped letters) is found too.

use std::borrow::Cow;

use serde_json::Value;

use super::discard::discard;
use super::walk::Walk;

/// Larger documents have been through the scanners; parsing them on top would cost too much.
const LARGEST: usize = 64 * 1024;
const DEEPEST: u8 = 3;

/// The document without its secrets; rewritten only if the scanners left one.
pub(super) fn whole<'t>(walk: Walk<'_>, text: Cow<'t, str>) -> Cow<'t, str> {
    let trimmed = text.trim();
    let document = trimmed.len() <= LARGEST
        && walk.unpacked < DEEPEST
        && (trimmed.starts_with('{') && trimmed.ends_with('}') || trimmed.starts_with('[') && trimmed.ends_with(']'));
    if !document {
        return text;
    }
    let Ok(value) = serde_json::from_str::<Value>(trimmed) else { return text };
    let deeper = Walk { unpacked: walk.unpacked + 1, ..walk };
    let shown = deeper.value(value.clone(), 0);
    let rewritten = if shown == value { None } else { serde_json::to_string(&shown).ok() };
    discard(value);
    discard(shown);
    rewritten.map_or(text, Cow::Owned)
}
