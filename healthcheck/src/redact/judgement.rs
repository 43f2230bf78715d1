//! Whether the value beside a name in a text is a secret: `password: x` in YAML is one, `password: required` and
//! `invalid token: unexpected end` are not.

use super::bytes::{ALNUM, LETTER, SPACE, at, before, follows, is, run, run_of, set};
use super::entropy::looks_random;
use super::extents::Shape;
use super::label::{Label, Lead};
use super::names::{Family, Verdict};
use super::quoted::Quote;
use super::settings::{
    is_count, is_masked, is_path, is_placeholder, is_setting, is_short_number, is_state, is_truth,
};

/// How and where a name and its separator stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) lead: Lead,
    /// The name is no word of a sentence.
    pub(super) compound: bool,
    /// The separator is a bare colon.
    pub(super) colon: bool,
    /// The name is in quotes or brackets.
    pub(super) quoted_name: bool,
    /// Nothing stands between the separator and the value.
    pub(super) tight: bool,
    /// Something stands between the name and the separator.
    pub(super) gap: bool,
}

/// The value beside the name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'t> {
    pub(super) name: &'t str,
    pub(super) text: &'t str,
    pub(super) shape: Shape,
    /// Where the text after the value begins.
    pub(super) rest: usize,
}

/// Names that mean a secret only as a parameter of an address.
const PARAMETERS: &[&str] = &[
    "code",
    "sign",
    "ticket",
    "samlresponse",
    "samlrequest",
    "samlart",
    "sid",
    "hash",
    "nonce",
    "state",
    "cred",
    "access",
];

/// The verdict on a name that is shown elsewhere, where it stands as a parameter.
pub(super) fn as_parameter(bytes: &[u8], label: &Label, name: &str) -> Option<Verdict> {
    let parameter =
        matches!(before(bytes, label.start), b'?' | b'&' | 0 | b' ') && at(bytes, label.end) == b'=';
    (parameter && PARAMETERS.iter().any(|known| known.eq_ignore_ascii_case(name)))
        .then(|| {
            let value = label.end + 1;
            let window = bytes.get(..value + 64).unwrap_or(bytes);
            let end = run_of(
                window,
                value,
                set!(|byte| !is(byte, SPACE) && !matches!(byte, b'&' | b'"' | b'\'' | b'#' | b'?')),
            );
            let among = matches!(before(bytes, label.start), b'?' | b'&') || at(bytes, end) == b'&';
            bytes
                .get(value..end)
                .filter(|_| among)
                .and_then(|value| std::str::from_utf8(value).ok())
        })
        .flatten()
        .filter(|value| looks_random(value, 12))
        .map(|_| Verdict::Of(Family::Strong))
}

/// `KeyError: 'name'`, `InvalidTokenError: …`: what follows is about the error.
pub(super) fn is_about_an_error(name: &str) -> bool {
    let bytes = name.as_bytes();
    // A test result.
    if name == "PASS" {
        return true;
    }
    ["error", "exception", "err", "failure", "warning", "errors"]
        .iter()
        .any(|suffix| {
            bytes
                .len()
                .checked_sub(suffix.len())
                .is_some_and(|start| follows(bytes, start, suffix))
        })
}

/// What the value begins with; cheap, and asked before its end is looked for.
pub(super) fn shape_of(bytes: &[u8], value: usize) -> Shape {
    match Quote::of_value(bytes, value) {
        Some((quote, _)) => Shape::Quoted(quote),
        None if matches!(at(bytes, value), b'{' | b'[') && at(bytes, value + 1) != b'{' => Shape::Container,
        None => Shape::Bare,
    }
}

/// What can be said without knowing where the value ends.
pub(super) fn may_hide(verdict: Verdict, place: Place, shape: Shape, bytes: &[u8], value: usize) -> bool {
    if place.quoted_name {
        return shape != Shape::Container || verdict.hides_containers();
    }
    if !place.colon {
        // `key= next` is the end of something, `key = next` an assignment.
        let spaced = place.tight || place.gap || matches!(shape, Shape::Quoted(_));
        return spaced && (shape != Shape::Container || verdict.hides_containers());
    }
    let sure = place.compound || matches!(place.lead, Lead::Line | Lead::Field);
    match verdict {
        Verdict::Fragment { telling: false } if !place.compound => return false,
        _ => {}
    }
    if place.tight {
        let telling = verdict.is_telling()
            || verdict.hides_containers() && place.lead != Lead::Glued && is_random_at(bytes, value);
        return telling
            && place.lead != Lead::Glued
            && !matches!(at(bytes, value), b'/' | b'\\' | b':')
            && shape != Shape::Container
            || telling && place.lead == Lead::Field;
    }
    match shape {
        Shape::Container => sure && verdict.hides_containers(),
        Shape::Quoted(_) | Shape::Bare => true,
    }
}

fn is_random_at(bytes: &[u8], value: usize) -> bool {
    let window = bytes.get(..value + 256).unwrap_or(bytes);
    let end = super::extents::word_end(window, value);
    std::str::from_utf8(window.get(value..end).unwrap_or_default()).is_ok_and(|word| looks_random(word, 6))
}

pub(super) fn hides(verdict: Verdict, place: Place, found: &Found<'_>, bytes: &[u8]) -> bool {
    let text = found.text;
    if text.is_empty() || is_masked(text) || is_placeholder(text) || matches!(text, "value" | "VALUE") {
        return false;
    }
    let structured = place.quoted_name;
    match verdict {
        Verdict::Shown => false,
        Verdict::Of(Family::Carrier) => is_opaque(text),
        Verdict::Of(Family::Faint) => verdict.hides_text(text),
        Verdict::Of(Family::Weak) => {
            !is_setting(text) && (structured || reads_as_value(verdict, place, found, bytes))
        }
        Verdict::Of(Family::Strong) => {
            let counted = found.name.ends_with(['s', 'S']) && is_count(text);
            !(is_truth(text) || is_path(text) || counted)
                && (structured || reads_as_value(verdict, place, found, bytes))
        }
        Verdict::Fragment { .. } if structured => true,
        Verdict::Fragment { telling: false } => !(is_short_number(text) || is_truth(text) || is_state(text)),
        Verdict::Fragment { telling: true } => reads_as_value(verdict, place, found, bytes),
    }
}

/// A word without any structure that could be shown without the secret.
pub(super) fn is_opaque(text: &str) -> bool {
    !text.contains(['/', '@', '=', ';', ' ', ':']) && looks_random(text, 8)
}

/// Whether this is a value, and not how a sentence goes on.
fn reads_as_value(verdict: Verdict, place: Place, found: &Found<'_>, bytes: &[u8]) -> bool {
    let text = found.text;
    let quoted = matches!(found.shape, Shape::Quoted(_));
    if is_state(text) && !quoted {
        return false;
    }
    if !place.colon {
        return true;
    }
    let sure = place.compound || matches!(place.lead, Lead::Line | Lead::Field);
    let password = verdict == Verdict::Of(Family::Strong) || contains_pass(found.name);
    if place.tight {
        // `keycloak:8080`, `token:5` in a list of addresses.
        return !is_short_number(text)
            || password && place.lead == Lead::Field && !text.bytes().all(|byte| byte.is_ascii_digit());
    }
    if found.shape == Shape::Container {
        return true;
    }
    if quoted {
        return sure || password || looks_random(text, 8);
    }
    let word_only = text
        .bytes()
        .all(|byte| is(byte, LETTER) || matches!(byte, b'\'' | b'-' | b'.' | b','));
    if word_only {
        let ends = !another_word_follows(bytes, found.rest);
        return ends && (sure || password);
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) && text.len() <= 4 {
        return sure
            && verdict.is_telling()
            && !found.name.ends_with(['s', 'S'])
            && !another_word_follows(bytes, found.rest);
    }
    sure || password || looks_random(text, 8)
}

fn contains_pass(name: &str) -> bool {
    let bytes = name.as_bytes();
    (0..bytes.len()).any(|start| follows(bytes, start, "pass"))
}

fn another_word_follows(bytes: &[u8], end: usize) -> bool {
    let next = run_of(bytes, end, set!(|byte| matches!(byte, b' ' | b'\t')));
    if next == end || !is(at(bytes, next), LETTER) {
        return false;
    }
    // `password: swordfish user: app` goes on with the next field.
    let word = run(bytes, next, ALNUM);
    !matches!(at(bytes, word), b':' | b'=')
}
