//! What YAML puts below a name: block scalars, nested maps, lists.

use super::bytes::{at, line_end, run_of, set};
use super::label::Label;
use super::names::Verdict;
use super::scan::Scan;

/// Hides the lines below a secret name that are indented deeper than it; says where they end.
pub(super) fn below(scan: &mut Scan<'_>, label: &Label, value: usize, verdict: Verdict) -> Option<usize> {
    let bytes = scan.bytes;
    if !verdict.is_telling() && !label.is_compound(bytes) {
        return None;
    }
    // `|`, `>-`, `|2`: a text over several lines.
    let marker_end = run_of(
        bytes,
        value,
        set!(|byte| matches!(byte, b'|' | b'>' | b'+' | b'-' | b'0'..=b'9')),
    );
    if !matches!(at(bytes, marker_end), b'\n' | b'\r') {
        return None;
    }
    hide_below(scan, label.start, marker_end, marker_end > value)
}

/// Hides what is indented deeper than the name at `name`, from the line after `end` on.
pub(super) fn hide_below(scan: &mut Scan<'_>, name: usize, end: usize, scalar: bool) -> Option<usize> {
    let bytes = scan.bytes;
    let indent = indent_of(bytes, name);
    let mut place = next_line(bytes, end);
    let mut hidden = None;
    while place < bytes.len() {
        let start = run_of(bytes, place, set!(|byte| matches!(byte, b' ' | b'\t')));
        let end = line_end(bytes, start);
        let depth = start - place;
        let list_at_same_depth = depth == indent && at(bytes, start) == b'-' && !scalar;
        if end > start {
            if depth <= indent && !list_at_same_depth {
                break;
            }
            let from = if scalar {
                start
            } else {
                value_in_line(bytes, start, end)
            };
            if from == start && !scalar && memchr::memchr(b' ', bytes.get(start..end)?).is_some() {
                // Prose that happens to be indented.
                break;
            }
            if from < end {
                scan.spans.hide(from..end);
            }
            hidden = Some(end);
        }
        place = next_line(bytes, end);
    }
    hidden
}

fn indent_of(bytes: &[u8], name: usize) -> usize {
    let line = bytes
        .get(..name)
        .and_then(|before| memchr::memrchr2(b'\n', b'\r', before))
        .map_or(0, |feed| feed + 1);
    run_of(bytes, line, set!(|byte| matches!(byte, b' ' | b'\t'))) - line
}

fn next_line(bytes: &[u8], end: usize) -> usize {
    match (at(bytes, end), at(bytes, end + 1)) {
        (b'\r', b'\n') => end + 2,
        _ => end + 1,
    }
}

/// After `name: ` or `- `, else the start of the line.
fn value_in_line(bytes: &[u8], start: usize, end: usize) -> usize {
    let mut from = start;
    if at(bytes, from) == b'-' && at(bytes, from + 1) == b' ' {
        from += 2;
    }
    let line = bytes.get(..end).unwrap_or(bytes);
    let name = run_of(line, from, set!(|byte| !matches!(byte, b':' | b' ')));
    if at(line, name) == b':' && (name + 1 == end || at(line, name + 1) == b' ') {
        from = run_of(line, name + 1, set!(|byte| byte == b' '));
    }
    from
}

#[cfg(test)]
mod tests {
    use super::super::redact;

    #[test]
    fn what_stands_below_a_secret_name_goes() {
        for (text, expected) in [
            (
                "password: |\n  one\n  two\nhost: h",
                "password: |\n  ********\n  ********\nhost: h",
            ),
            (
                "passwords:\n- one\n- two\nhost: h",
                "passwords:\n- ********\n- ********\nhost: h",
            ),
            (
                "a:\n  secrets:\n    x: one\n    y:\n      - two\n  b: c",
                "a:\n  secrets:\n    x: ********\n    y:\n      - ********\n  b: c",
            ),
            ("password:\n  one\n", "password:\n  ********\n"),
        ] {
            assert_eq!(redact(text), expected);
        }
        for text in [
            "Missing keys:\n  the first of them\n",
            "password:\nhost: h",
            "keys:\n",
        ] {
            assert_eq!(redact(text), text);
        }
    }
}
