//! Names and values that stand side by side under names of their own: `{"name": "DB_PASSWORD", "value": "x"}`,
//! `<add key="Password" value="x"/>`, `- name: DB_PASSWORD` above `value: x`, `("password", "x")`.

use super::bytes::{ALNUM, DIGIT, NAME, SPACE, at, before, follows, is, run, run_back_of, run_of, set};
use super::extents::word_end;
use super::markup;
use super::names::Verdict;
use super::quoted::Quote;
use super::scan::Scan;
use super::sieve::{Endings, of_table};

/// Under what a pair has its name.
const NAMES: &[&str] = &[
    "attribute",
    "env",
    "field",
    "header",
    "id",
    "k",
    "key",
    "label",
    "name",
    "option",
    "param",
    "parameter",
    "property",
    "setting",
    "var",
    "variable",
];

/// Under what it has its value.
const VALUES: &[&str] = &[
    "content",
    "contents",
    "data",
    "default",
    "string_value",
    "stringvalue",
    "v",
    "val",
    "value",
];

const LONGEST_NAME: usize = 128;
const LONGEST_LABEL: usize = 20;
/// How far the partner may stand: punctuation and the indentation of YAML.
const WIDEST_GAP: usize = 64;

pub(super) fn is_name_of_name(name: &str) -> bool {
    may_be_part(name) && (is_one(name, NAMES) || is_qualified(name, &["key", "name"]))
}

pub(super) fn is_name_of_value(name: &str) -> bool {
    may_be_part(name) && (is_one(name, VALUES) || is_qualified(name, &["value"]))
}

/// Whether a name ends as one of those above; most don't.
fn may_be_part(name: &str) -> bool {
    match name.as_bytes() {
        [] => false,
        [_] => true,
        [.., last_but_one, last] => LAST_LETTERS.may_have(*last_but_one, *last),
    }
}

static LAST_LETTERS: Endings = of_table!(Endings: NAMES, VALUES);

fn is_one(name: &str, table: &[&str]) -> bool {
    name.len() <= LONGEST_LABEL && table.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// `ParameterKey`, `option_name`, `EnvValue`: of which thing it is the name or the value.
fn is_qualified(name: &str, ends: &[&str]) -> bool {
    ends.iter().any(|end| {
        let split = name.len().saturating_sub(end.len());
        let (Some(thing), Some(last)) = (name.get(..split), name.get(split..)) else {
            return false;
        };
        last.eq_ignore_ascii_case(end) && is_one(thing.trim_end_matches(['_', '-']), NAMES)
    })
}

/// Takes a pair one of whose parts stands under `name` and begins at `after`; says where it was read to.
pub(super) fn in_text(scan: &mut Scan<'_>, name: &str, own: Verdict, after: usize) -> Option<usize> {
    // `env[0].name=`
    let name = name.trim_start_matches('.');
    if is_name_of_value(name) {
        return value_first(scan, after);
    }
    if !is_name_of_name(name) {
        return None;
    }
    let bytes = scan.bytes;
    let (inside, close, end) = short_text(bytes, after)?;
    let verdict = scan.rules.verdict(scan.part(inside, close));
    if verdict.is_shown() && own.is_shown() {
        return None;
    }
    let (start, value_end) = value_after(scan, end)?;
    if verdict.hides_text(scan.part(start, value_end)) {
        scan.spans.hide(start..value_end);
        return Some(value_end);
    }
    // A value that stays is read like any other text.
    Some(end)
}

/// `"value": "x", "name": "DB_PASSWORD"`
fn value_first(scan: &mut Scan<'_>, after: usize) -> Option<usize> {
    let bytes = scan.bytes;
    let start = run_of(bytes, after, set!(|byte| byte == b' '));
    let (quote, inside) = Quote::opening(bytes, start)?;
    let window = bytes.get(..inside + LONGEST_NAME * 4).unwrap_or(bytes);
    let close = scan.closings.closing(window, inside, quote)?;
    let (label, value) = label_after(bytes, close + quote.len())?;
    if !is_name_of_name(label) {
        return None;
    }
    let (name, name_end, _) = short_text(bytes, value)?;
    if !scan
        .rules
        .verdict(scan.part(name, name_end))
        .hides_text(scan.part(inside, close))
    {
        return None;
    }
    scan.spans.hide(inside..close);
    Some(close)
}

/// A name as the value of something: where it begins and ends, and where what is around it ends.
fn short_text(bytes: &[u8], after: usize) -> Option<(usize, usize, usize)> {
    let start = run_of(bytes, after, set!(|byte| byte == b' '));
    let window = |from: usize| bytes.get(..from + LONGEST_NAME).unwrap_or(bytes);
    match Quote::opening(bytes, start) {
        Some((quote, inside)) => {
            let close = run_of(
                window(inside),
                inside,
                set!(|byte| !matches!(byte, b'"' | b'\'' | b'`' | b'\\' | b'\n')),
            );
            Some((inside, close, close + quote.len()))
        }
        None => {
            let end = word_end(window(start), start);
            (end > start && is(at(bytes, start), ALNUM)).then_some((start, end, end))
        }
    }
}

/// The next label after punctuation and space, and where its value begins.
fn label_after(bytes: &[u8], end: usize) -> Option<(&str, usize)> {
    let window = bytes.get(..end + WIDEST_GAP).unwrap_or(bytes);
    let label = run_of(
        window,
        end,
        set!(|byte| !is(byte, ALNUM) && !matches!(byte, b'{' | b'[' | b'}' | b']' | b'<' | b'>' | b'-')),
    );
    let mut label = label;
    let mut label_end = run_of(window, label, set!(|byte| is(byte, ALNUM) || byte == b'_'));
    if at(bytes, label_end) == b'[' {
        // `env[0].value=`
        let index = run(window, label_end + 1, DIGIT);
        if follows(window, index, "].") {
            label = index + 2;
            label_end = run_of(window, label, set!(|byte| is(byte, ALNUM) || byte == b'_'));
        }
    }
    let name = std::str::from_utf8(bytes.get(label..label_end)?).ok()?;
    let separator = run_of(
        window,
        label_end,
        set!(|byte| matches!(byte, b'"' | b'\'' | b'\\' | b' ')),
    );
    matches!(at(bytes, separator), b':' | b'=').then(|| {
        let value = run_of(window, separator + 1, set!(|byte| matches!(byte, b' ' | b'>')));
        (
            name,
            if follows(bytes, value, "Some(") {
                value + "Some(".len()
            } else {
                value
            },
        )
    })
}

/// The value that belongs to a name which ended at `end`: under the next name, or inside the element.
fn value_after(scan: &mut Scan<'_>, end: usize) -> Option<(usize, usize)> {
    let bytes = scan.bytes;
    if at(bytes, end) == b'>' {
        return Some(markup::text_of_named(bytes, end + 1));
    }
    let (label, value) = label_after(bytes, end)?;
    if !is_name_of_value(label) {
        return None;
    }
    match Quote::opening(bytes, value) {
        Some((quote, inside)) => Some((inside, scan.closings.closing(bytes, inside, quote)?)),
        None => Some((
            value,
            run_of(
                bytes,
                value,
                set!(|byte| !matches!(byte, b',' | b'}' | b'\n' | b'\r' | b'>')),
            ),
        )),
    }
}

/// `("password", "x")`, `[["password", "x"], …]`: the first of two quoted texts in brackets names the second.
pub(super) fn find(scan: &mut Scan<'_>) {
    let bytes = scan.bytes;
    for (bracket, byte) in bytes.iter().enumerate() {
        if !matches!(byte, b'(' | b'[') {
            continue;
        }
        if let Some((secret, end)) = dotted(scan, bracket) {
            scan.spans.hide(secret..end);
            continue;
        }
        let Some((quote, inside)) = Quote::opening(bytes, bracket + 1) else {
            continue;
        };
        let window = bytes.get(..inside + LONGEST_NAME).unwrap_or(bytes);
        let close = run_of(
            window,
            inside,
            set!(|byte| !matches!(byte, b'"' | b'\'' | b'`' | b'\\' | b'\n')),
        );
        let comma = close + quote.len();
        if at(bytes, comma) != b',' || at(bytes, bracket) == b'[' && !is_nested(bytes, bracket) {
            continue;
        }
        let name = scan.part(inside, close);
        if name.contains(' ') {
            // A sentence is no name.
            continue;
        }
        let verdict = scan.rules.verdict(name);
        let second = run(bytes, comma + 1, SPACE);
        let Some((quote, value)) = Quote::opening(bytes, second).filter(|_| !verdict.is_shown()) else {
            continue;
        };
        let Some(end) = scan.closings.closing(bytes, value, quote) else {
            continue;
        };
        if matches!(at(bytes, end + quote.len()), b')' | b']') && verdict.hides_text(scan.part(value, end)) {
            scan.spans.hide(value..end);
        }
    }
}

/// `(password . "x")`, as Lisp writes it: where the secret begins and ends.
fn dotted(scan: &mut Scan<'_>, bracket: usize) -> Option<(usize, usize)> {
    let bytes = scan.bytes;
    let window = bytes.get(..bracket + LONGEST_NAME).unwrap_or(bytes);
    let end = run(window, bracket + 1, NAME);
    if !follows(bytes, end, " . ") {
        return None;
    }
    let (quote, inside) = Quote::opening(bytes, end + 3)?;
    let close = scan.closings.closing(bytes, inside, quote)?;
    let verdict = scan.rules.verdict(scan.part(bracket + 1, end));
    verdict
        .hides_text(scan.part(inside, close))
        .then_some((inside, close))
}

/// A list of two names stands alone; a pair stands in a list of pairs.
fn is_nested(bytes: &[u8], bracket: usize) -> bool {
    let outer = run_back_of(
        bytes,
        bracket.saturating_sub(WIDEST_GAP),
        bracket,
        set!(|byte| is(byte, SPACE)),
    );
    matches!(before(bytes, outer), b'[' | b',')
}

#[cfg(test)]
mod tests {
    use super::super::redact;

    #[test]
    fn the_value_of_a_pair_goes_when_its_name_is_secret() {
        let x = concat!("FAKE", "00ab12cd");
        for (text, expected) in [
            (
                r#"<setting name="Password"><value>X</value></setting>"#,
                r#"<setting name="Password"><value>********</value></setting>"#,
            ),
            (
                r#"x {"name": "DB_PASSWORD", "value": "X"}"#,
                r#"x {"name": "DB_PASSWORD", "value": "********"}"#,
            ),
            (
                r#"x {"value": "X", "name": "DB_PASSWORD"}"#,
                r#"x {"value": "********", "name": "DB_PASSWORD"}"#,
            ),
            (
                r#"x {\"key\":\"a.token\",\"value\":\"X\"}"#,
                r#"x {\"key\":\"a.token\",\"value\":\"********\"}"#,
            ),
            (
                "- name: DB_PASSWORD\n  value: X\n- name: PORT\n  value: 80",
                "- name: DB_PASSWORD\n  value: ********\n- name: PORT\n  value: 80",
            ),
            (
                "env[0].name=DB_PASSWORD,env[0].value=X",
                "env[0].name=DB_PASSWORD,env[0].value=********",
            ),
            (
                r#"(user . "a") (password . "X")"#,
                r#"(user . "a") (password . "********")"#,
            ),
            (
                r#"[("password", "X"), ("a", "b")]"#,
                r#"[("password", "********"), ("a", "b")]"#,
            ),
            (
                r#"x [["password", "X"], ["a", "b"]]"#,
                r#"x [["password", "********"], ["a", "b"]]"#,
            ),
            (
                r#"x {"key": "region", "value": "eu"}"#,
                r#"x {"key": "region", "value": "eu"}"#,
            ),
            (r#"x ["password", "email"]"#, r#"x ["password", "email"]"#),
        ] {
            assert_eq!(redact(&text.replace('X', x)), expected);
        }
    }
}
