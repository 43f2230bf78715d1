//! A text that is a JSON document as a whole is read as one, so that what the scanners can't see in it (a value that
//! stands before its name, arguments in a list, escaped letters) is found too.

use std::borrow::Cow;

use serde_json::Value;

use super::discard::discard;
use super::rules::Rules;
use super::walk::Walk;

/// Larger documents have been through the scanners; parsing them on top would cost too much.
const LARGEST: usize = 64 * 1024;
const DEEPEST: u8 = 3;

/// The document without its secrets; rewritten only if the scanners left one.
pub(super) fn whole<'t>(walk: Walk<'_>, text: Cow<'t, str>) -> Cow<'t, str> {
    rewritten(walk, &text).map_or(text, Cow::Owned)
}

/// Whether a text is a document with a secret in it.
pub(super) fn holds_secret(rules: &Rules, text: &str, unpacked: u8) -> bool {
    rewritten(Walk { rules, unpacked }, text).is_some()
}

fn rewritten(walk: Walk<'_>, text: &str) -> Option<String> {
    let text = text.trim();
    let document = text.len() <= LARGEST
        && walk.unpacked < DEEPEST
        && (text.starts_with('{') && text.ends_with('}') || text.starts_with('[') && text.ends_with(']'));
    if !document {
        return None;
    }
    let value = serde_json::from_str::<Value>(text).ok()?;
    let deeper = Walk {
        unpacked: walk.unpacked + 1,
        ..walk
    };
    let shown = deeper.value(value.clone(), 0);
    let rewritten = if shown == value {
        None
    } else {
        serde_json::to_string(&shown).ok()
    };
    discard(value);
    discard(shown);
    rewritten
}
