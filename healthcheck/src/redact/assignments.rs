//! `name=value`, `name: value`, `"name": "value"`, `name => value`: in JSON, YAML, TOML, INI, dotenv, query strings,
//! headers, connection strings and what `Debug` prints.

use super::blocks;
use super::bytes::{
    LETTER, NAME, QUOTE, SPACE, at, before, each_of, follows, is, line_end, run_back_of, run_of, set,
};
use super::entropy::looks_random;
use super::extents::{Extent, Shape, Style, value_at, word_end};
use super::families;
use super::judgement::{self, Found, Place};
use super::label::{Form, Label, Lead};
use super::names::{Family, Verdict};
use super::pairs;
use super::scan::Scan;
use super::schemes;
use super::settings::{is_masked, is_placeholder, is_state};

pub(super) fn find(scan: &mut Scan<'_>) {
    let bytes = scan.bytes;
    // Where the last hidden value ended; no name begins before it.
    let mut floor = 0;
    for separator in each_of(bytes, set!(|byte| matches!(byte, b'=' | b':'))) {
        if separator >= floor
            && let Some(end) = assignment(scan, floor, separator)
        {
            floor = end.max(separator + 1);
        }
    }
}

/// Hides the value after the separator if its name asks for that, and says where it ends.
fn assignment(scan: &mut Scan<'_>, floor: usize, separator: usize) -> Option<usize> {
    let bytes = scan.bytes;
    let colon = at(bytes, separator) == b':';
    // LDIF writes two colons before base64, paths in code have two without space.
    let path = at(bytes, separator + 1) == b':' && at(bytes, separator + 2) != b' ';
    if colon
        && (path
            || before(bytes, separator) == b':'
            || bytes.get(separator + 1..separator + 3) == Some(b"//"))
    {
        return None;
    }
    let label = Label::before(bytes, floor, separator)?;
    let name = label.name(scan.text);
    if name.contains("://") {
        // `Get "https://h/?token=x": connection refused`
        return None;
    }
    let mut verdict = scan.rules.verdict(name);
    let (after, arrow) = after_separator(bytes, separator);
    if let Some(end) = pairs::in_text(scan, name, verdict, after) {
        return Some(end);
    }
    if verdict.is_shown() {
        verdict = match judgement::as_parameter(bytes, &label, name)
            .or_else(|| two_words(scan, floor, &label))
        {
            Some(verdict) => verdict,
            None => {
                return numbered(scan, floor, &label, after).or_else(|| user_and_password(scan, name, after));
            }
        };
    }
    let value = run_of(bytes, after, set!(|byte| matches!(byte, b' ' | b'\t')));
    let place = Place {
        lead: label.lead(bytes, floor),
        compound: label.is_compound(bytes),
        colon: colon && !arrow,
        quoted_name: !matches!(label.form, Form::Plain),
        tight: value == after,
        gap: label.gap,
    };
    if place.colon && !place.quoted_name && judgement::is_about_an_error(name) {
        return None;
    }
    if is_header(name, place) {
        return header(scan, value, place);
    }
    let newline = matches!(at(bytes, value), b'\n' | b'\r' | b'|' | b'>') || value == bytes.len();
    if place.colon && newline && place.lead == Lead::Line {
        return blocks::below(scan, &label, value, verdict);
    }
    if value >= bytes.len() || is(at(bytes, value), SPACE) || is_escaped_feed(bytes, value) {
        return None;
    }
    let shape = judgement::shape_of(bytes, value);
    if !judgement::may_hide(verdict, place, shape, bytes, value) {
        return None;
    }
    let style = style_of(bytes, &label, value, place);
    let extent = value_at(bytes, value, style, &mut scan.closings);
    let found = Found {
        name,
        text: scan.part(extent.start, extent.end),
        shape: extent.shape,
        rest: extent.end,
    };
    if !judgement::hides(verdict, place, &found, bytes) {
        return None;
    }
    Some(hide(scan, &label, extent))
}

/// `verification code: x`: the last word alone tells nothing.
fn two_words(scan: &Scan<'_>, floor: usize, label: &Label) -> Option<Verdict> {
    let bytes = scan.bytes;
    if label.form != Form::Plain || before(bytes, label.start) != b' ' || label.start < floor + 2 {
        return None;
    }
    if !families::may_end_pair(label.name(scan.text)) {
        return None;
    }
    let end = label.start - 1;
    let start = run_back_of(
        bytes,
        end.saturating_sub(16).max(floor),
        end,
        set!(|byte| is(byte, NAME)),
    );
    let verdict = scan.rules.verdict(scan.part(start, label.end));
    let alone = scan.rules.verdict(scan.part(start, end));
    (start < end && verdict == Verdict::Of(Family::Strong) && alone != verdict).then_some(verdict)
}

/// `Unseal Key 1: x`: what the number is of stands before it.
fn numbered(scan: &mut Scan<'_>, floor: usize, label: &Label, after: usize) -> Option<usize> {
    let bytes = scan.bytes;
    let number = bytes.get(label.start..label.end)?;
    if number.len() > 3 || !number.iter().all(u8::is_ascii_digit) || before(bytes, label.start) != b' ' {
        return None;
    }
    let end = label.start.checked_sub(1)?;
    let start = run_back_of(
        bytes,
        end.saturating_sub(LONGEST_NUMBERED).max(floor),
        end,
        set!(|byte| is(byte, LETTER) || byte == b' '),
    );
    if !scan.rules.verdict(scan.part(start, end)).is_telling() {
        return None;
    }
    let value = run_of(bytes, after, set!(|byte| matches!(byte, b' ' | b'\t')));
    let end = word_end(bytes, value);
    looks_random(scan.part(value, end), 16).then(|| {
        scan.spans.hide(value..end);
        end
    })
}

/// `Unseal Key`, with the words around it.
const LONGEST_NUMBERED: usize = 24;

/// `user = "name:password"`, as curl's configuration has it.
fn user_and_password(scan: &mut Scan<'_>, name: &str, after: usize) -> Option<usize> {
    let bytes = scan.bytes;
    if !["user", "proxy-user", "proxyuser", "userpwd", "login"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(name))
    {
        return None;
    }
    let start = run_of(bytes, after, set!(|byte| matches!(byte, b' ' | b'"' | b'\'')));
    let window = bytes.get(..start + FAR_ENOUGH).unwrap_or(bytes);
    let end = run_of(
        window,
        start,
        set!(|byte| !is(byte, SPACE | QUOTE) && !matches!(byte, b'@' | b'/' | b'\\' | b'}' | b',')),
    );
    let colon = start + memchr::memchr(b':', bytes.get(start..end)?)?;
    let password = scan.part(colon + 1, end);
    let free = is(at(bytes, end), SPACE | QUOTE) || end == bytes.len();
    (free && colon > start && looks_random(password, 8)).then(|| {
        scan.spans.hide(colon + 1..end);
        end
    })
}

/// After `=`, `:`, `=>`, `:=`, `==`, `===`; and whether there was an arrow.
fn after_separator(bytes: &[u8], separator: usize) -> (usize, bool) {
    if at(bytes, separator) == b':' && at(bytes, separator + 1) == b':' {
        return (separator + 2, false);
    }
    let end = run_of(
        bytes,
        separator + 1,
        set!(|byte| matches!(byte, b'=' | b'>' | b'~')),
    );
    // Only so many: a value may begin with any of these.
    let end = end.min(separator + 3);
    (end, end > separator + 1)
}

/// A line feed, or what begins a block in YAML and then a line feed, written out: the text inside of a document is
/// read when the document is.
fn is_escaped_feed(bytes: &[u8], value: usize) -> bool {
    let marker = run_of(
        bytes,
        value,
        set!(|byte| matches!(byte, b'|' | b'>' | b'+' | b'-')),
    );
    at(bytes, marker) == b'\\' && matches!(at(bytes, marker + 1), b'n' | b'r')
}

fn hide(scan: &mut Scan<'_>, label: &Label, extent: Extent) -> usize {
    let bytes = scan.bytes;
    match (extent.shape, label.form) {
        (Shape::Quoted(quote), _) => {
            scan.spans.hide(extent.start..extent.end);
            extent.end + quote.len()
        }
        // A number or a list in JSON gives way to a text, or it would be JSON no more.
        (_, Form::Quoted(quote)) => {
            let end = if extent.shape == Shape::Bare {
                json_scalar_end(bytes, extent)
            } else {
                extent.end
            };
            scan.spans.hide_in_quotes(extent.start..end, quote);
            end
        }
        _ => {
            scan.spans.hide(extent.start..extent.end);
            extent.end
        }
    }
}

fn json_scalar_end(bytes: &[u8], extent: Extent) -> usize {
    let trimmed = run_of(
        bytes,
        extent.start,
        set!(|byte| !matches!(byte, b',' | b'}' | b']' | b'\n')),
    );
    extent.end.min(trimmed)
}

/// Whether the value goes to the end of the line, as in a request: `Authorization: Digest username="…", …`.
fn is_header(name: &str, place: Place) -> bool {
    let bytes = name.as_bytes();
    let ends_in = |suffix: &str| {
        bytes
            .len()
            .checked_sub(suffix.len())
            .is_some_and(|start| follows(bytes, start, suffix))
    };
    place.colon
        && !place.quoted_name
        && (ends_in("authorization") || ends_in("cookie"))
        && (!place.tight || matches!(place.lead, Lead::Line | Lead::Field))
}

fn header(scan: &mut Scan<'_>, value: usize, place: Place) -> Option<usize> {
    let bytes = scan.bytes;
    let line = line_end(bytes, value);
    let mut end = run_of(
        bytes.get(..line).unwrap_or(bytes),
        value,
        set!(|byte| !matches!(byte, b'"' | b'`' | b'\\')),
    );
    if at(bytes, end) == b'"' && schemes::has_quoted_parameters(bytes, value, end) {
        // The quotes of `Digest username="…"` belong to the header.
        end = line;
    }
    let text = scan.part(value, end);
    let first = word_end(bytes, value);
    let word = scan.part(value, first);
    if is_masked(word) || is_state(word) || is_placeholder(text) {
        return None;
    }
    let start = schemes::after_scheme(bytes, value)
        .filter(|start| *start < end)
        .unwrap_or(value);
    let first = word_end(bytes, start);
    if place.lead == Lead::Prose && scan.part(start, first).bytes().all(|byte| is(byte, LETTER)) {
        // "the Authorization: Bearer scheme is required"
        return None;
    }
    // `curl -H 'Cookie: a=b' https://…`: an apostrophe closes what one before the name opened.
    if let Some(apostrophe) = memchr::memchr(b'\'', bytes.get(start..end)?) {
        end = start + apostrophe;
    }
    scan.spans.hide(start..end);
    Some(end)
}

const FAR_ENOUGH: usize = 256;

/// Whether the setting stands among others that semicolons separate.
fn style_of(bytes: &[u8], label: &Label, value: usize, place: Place) -> Style {
    if place.colon || place.quoted_name {
        return Style::Words;
    }
    let window = bytes.get(..value + FAR_ENOUGH).unwrap_or(bytes);
    let follows_one = matches!(before(bytes, label.start), b';')
        || before(bytes, label.start) == b' ' && before(bytes, label.start - 1) == b';';
    // Padding of base64 is no separator.
    let mut stop = value;
    loop {
        stop = run_of(
            window,
            stop,
            set!(|byte| !matches!(byte, b';' | b'=' | b'\n' | b'"' | b'`')),
        );
        if at(window, stop) != b'=' || !matches!(at(window, stop + 1), b'=' | b';') {
            break;
        }
        stop += 1;
    }
    if at(window, stop) != b';' {
        // The last setting of a list is all that is left of the text.
        let last = follows_one
            && stop == bytes.len()
            && bytes
                .get(value..stop)
                .is_some_and(|rest| rest.iter().filter(|byte| **byte == b' ').count() < 2);
        return if last { Style::Semicolons } else { Style::Words };
    }
    let name = run_of(window, stop + 1, set!(|byte| is(byte, NAME) || byte == b' '));
    let ends = name == stop + 1 && (name == bytes.len() || matches!(at(window, name), b'\n' | b'"'));
    let another_follows = ends || at(window, name) == b'=';
    if another_follows {
        Style::Semicolons
    } else {
        Style::Words
    }
}
