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

/// What the scanners made of a text, unless it was a document and still has a secret, or is a document no more.
pub(super) fn whole<'t>(walk: Walk<'_>, text: &str, shown: Cow<'t, str>) -> Cow<'t, str> {
    let Some(value) = parse(walk, text) else {
        return shown;
    };
    let rewritten = match &shown {
        Cow::Borrowed(_) => rewritten(walk, value, false),
        Cow::Owned(changed) => match parse(walk, changed) {
            Some(changed) => {
                discard(value);
                rewritten(walk, changed, false)
            }
            // A mask went over the end of a text in it.
            None => rewritten(walk, value, true),
        },
    };
    rewritten.map_or(shown, Cow::Owned)
}

/// Whether a text is a document with a secret in it.
pub(super) fn holds_secret(rules: &Rules, text: &str, unpacked: u8) -> bool {
    let walk = Walk { rules, unpacked };
    parse(walk, text)
        .and_then(|value| rewritten(walk, value, false))
        .is_some()
}

fn parse(walk: Walk<'_>, text: &str) -> Option<Value> {
    if text
        .as_bytes()
        .last()
        .is_none_or(|last| last.is_ascii_graphic() && !matches!(last, b'}' | b']' | b'"'))
    {
        return None;
    }
    let text = text.trim();
    let enclosed =
        |open: char, close: char| text.len() > 1 && text.starts_with(open) && text.ends_with(close);
    let document = text.len() <= LARGEST
        && walk.unpacked < DEEPEST
        && (enclosed('{', '}') || enclosed('[', ']') || enclosed('"', '"'));
    if document {
        serde_json::from_str(text).ok()
    } else {
        None
    }
}

/// The document without its secrets, if it has any or is wanted in any case.
fn rewritten(walk: Walk<'_>, value: Value, always: bool) -> Option<String> {
    let deeper = Walk {
        unpacked: walk.unpacked + 1,
        ..walk
    };
    let shown = deeper.value(value.clone(), 0);
    let rewritten = if shown == value && !always {
        None
    } else {
        serde_json::to_string(&shown).ok()
    };
    discard(value);
    discard(shown);
    rewritten
}
