//! Names and values that stand side by side under names of their own: `{"name": "DB_PASSWORD", "value": "x"}`,
//! `<add key="Password" value="x"/>`, `("password", "x")`.

use super::bytes::{ALNUM, at, follows, is, run, run_while};
use super::names::{Family, Verdict};
use super::quoted::Quote;
use super::scan::Scan;
use super::settings::{is_masked, is_placeholder, is_setting};

/// Under what a pair has its name.
const NAMES: &[&str] =
    &["name", "key", "k", "variable", "var", "field", "property", "header", "param", "parameter", "option", "env", "id", "label"];

/// Under what it has its value.
const VALUES: &[&str] = &["value", "val", "v", "content", "contents", "data", "string_value", "stringvalue"];

pub(super) fn is_name_of_name(name: &str) -> bool {
    NAMES.iter().any(|known| known.eq_ignore_ascii_case(name))
}

pub(super) fn is_name_of_value(name: &str) -> bool {
    VALUES.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Whether a plain text beside a name with this verdict goes.
pub(super) fn hides(verdict: Verdict, value: &str) -> bool {
    match verdict {
        Verdict::Shown | Verdict::Of(Family::Carrier) => false,
        Verdict::Of(Family::Weak) => !is_setting(value),
        Verdict::Of(Family::Strong) | Verdict::Fragment { .. } => !is_masked(value) && !is_placeholder(value),
    }
}

/// Takes a pair whose name's own name ends before `after`; says where it was read to.
pub(super) fn in_text(scan: &mut Scan<'_>, name: &str, own: Verdict, after: usize) -> Option<usize> {
    if !is_name_of_name(name) {
        return None;
    }
    let bytes = scan.bytes;
    let start = run_while(bytes, after, |byte| byte == b' ');
    let (quote, inside) = Quote::opening(bytes, start)?;
    // Names are short; what isn't one is no pair.
    let close = run_while(bytes.get(..inside + 128).unwrap_or(bytes), inside, |byte| {
        !matches!(byte, b'"' | b'\'' | b'`' | b'\\' | b'\n')
    });
    let verdict = scan.rules.verdict(scan.part(inside, close));
    let end = close + quote.len();
    if verdict.is_shown() && own.is_shown() {
        return None;
    }
    let value = value_after(bytes, end)?;
    let shown_to = match value {
        Partner::Quoted(quote, inside) => {
            let close = scan.closings.closing(bytes, inside, quote)?;
            if hides(verdict, scan.part(inside, close)) {
                scan.spans.hide(inside..close);
            }
            close
        }
        Partner::Element(inside) => {
            let close = run_while(bytes, inside, |byte| byte != b'<');
            if hides(verdict, scan.part(inside, close)) {
                scan.spans.hide(inside..close);
            }
            close
        }
        Partner::Bare(inside) => {
            let close = run_while(bytes, inside, |byte| !matches!(byte, b',' | b'}' | b'\n' | b'\r' | b'>'));
            if hides(verdict, scan.part(inside, close)) {
                scan.spans.hide(inside..close);
            }
            close
        }
    };
    // A value that stays is read like any other text.
    Some(if verdict.is_shown() { end } else { shown_to })
}

enum Partner {
    Quoted(Quote, usize),
    Element(usize),
    Bare(usize),
}

/// The value that belongs to a name which ended at `end`: under the next name, or inside the element.
fn value_after(bytes: &[u8], end: usize) -> Option<Partner> {
    if at(bytes, end) == b'>' {
        return Some(Partner::Element(end + 1));
    }
    let label = run_while(bytes.get(..end + 32).unwrap_or(bytes), end, |byte| {
        !is(byte, ALNUM) && !matches!(byte, b'{' | b'[' | b'}' | b']' | b'<' | b'>')
    });
    let label_end = run(bytes, label, ALNUM);
    let label_name = std::str::from_utf8(bytes.get(label..label_end)?).ok()?;
    if !is_name_of_value(label_name) {
        return None;
    }
    let separator = run_while(bytes, label_end, |byte| matches!(byte, b'"' | b'\'' | b'\\' | b' '));
    if !matches!(at(bytes, separator), b':' | b'=') {
        return None;
    }
    let mut value = run_while(bytes, separator + 1, |byte| matches!(byte, b' ' | b'>'));
    if follows(bytes, value, "Some(") {
        value += "Some(".len();
    }
    match Quote::opening(bytes, value) {
        Some((quote, inside)) => Some(Partner::Quoted(quote, inside)),
        None => Some(Partner::Bare(value)),
    }
}
