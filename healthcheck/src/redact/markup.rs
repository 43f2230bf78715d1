//! `<password>x</password>` in XML and plists; attributes are read where assignments are.

use super::bytes::{NAME, SPACE, at, is, run, run_of, set};
use super::scan::Scan;

const LONGEST_TAG: usize = 256;
const LONGEST_ELEMENT: usize = 2048;

pub(super) fn find(scan: &mut Scan<'_>) {
    let bytes = scan.bytes;
    let mut from = 0;
    while let Some(found) = memchr::memchr(b'<', bytes.get(from..).unwrap_or_default()) {
        let start = from + found + 1;
        from = start;
        let end = run(bytes, start, NAME);
        if end == start || !(matches!(at(bytes, end), b'>' | b' ' | b':' | b'\n')) {
            continue;
        }
        // `<wsse:Password Type="…">`
        let (start, end) = if at(bytes, end) == b':' {
            (end + 1, run(bytes, end + 1, NAME))
        } else {
            (start, end)
        };
        let window = bytes.get(..end + LONGEST_TAG).unwrap_or(bytes);
        let close = run_of(window, end, set!(|byte| !matches!(byte, b'>' | b'<')));
        if at(window, close) != b'>' || at(bytes, close - 1) == b'/' {
            continue;
        }
        let name = scan.part(start, end);
        if name.eq_ignore_ascii_case("key") || name.eq_ignore_ascii_case("name") {
            if let Some(end) = next_elements_value(scan, close + 1) {
                from = end;
            }
            continue;
        }
        let verdict = scan.rules.verdict(name);
        if verdict.is_shown() {
            continue;
        }
        let text = close + 1;
        let text_end = element_end(bytes, text);
        // `<token>` in a usage line has no end.
        let closed = at(bytes, text_end + 1) == b'/' || at(bytes, text) == b'<';
        if closed && verdict.hides_text(scan.part(text, text_end)) {
            scan.spans.hide(text..text_end);
            from = text_end;
        }
    }
}

/// A plist puts the value into the next element: `<key>Password</key><string>x</string>`.
fn next_elements_value(scan: &mut Scan<'_>, text: usize) -> Option<usize> {
    let bytes = scan.bytes;
    let window = bytes.get(..text + LONGEST_TAG).unwrap_or(bytes);
    let text_end = element_end(window, text);
    let verdict = scan.rules.verdict(scan.part(text, text_end));
    if verdict.is_shown() {
        return None;
    }
    let (value, end) = next_element(bytes, text_end)?;
    if !verdict.hides_text(scan.part(value, end)) {
        return None;
    }
    scan.spans.hide(value..end);
    Some(end)
}

/// The text of `<property name="password">x</property>` from `start` on, also that of `<value>x</value>` in it.
pub(super) fn text_of_named(bytes: &[u8], start: usize) -> (usize, usize) {
    // Bounded, or a text of such names without any end would be read again for each.
    let window = bytes.get(..start + LONGEST_ELEMENT).unwrap_or(bytes);
    let inner = run(window, start, SPACE);
    let opened = run(window, inner + 1, NAME);
    let nested = at(window, inner) == b'<' && opened > inner + 1 && at(window, opened) == b'>';
    let from = if nested { opened + 1 } else { start };
    let close = memchr::memchr(b'<', window.get(from..).unwrap_or_default());
    (from, close.map_or(window.len(), |found| from + found))
}

/// Where the text of an element ends; a CDATA section is part of it.
fn element_end(bytes: &[u8], text: usize) -> usize {
    let cdata = b"<![CDATA[";
    if bytes.get(text..text + cdata.len()) == Some(cdata) {
        let inside = text + cdata.len();
        return memchr::memmem::find(bytes.get(inside..).unwrap_or_default(), b"]]>")
            .map_or(bytes.len(), |found| inside + found + 3);
    }
    memchr::memchr(b'<', bytes.get(text..).unwrap_or_default()).map_or(bytes.len(), |found| text + found)
}

/// The text of the element after the closing tag at `closing`.
fn next_element(bytes: &[u8], closing: usize) -> Option<(usize, usize)> {
    let window = bytes.get(..closing + LONGEST_TAG).unwrap_or(bytes);
    if at(window, closing + 1) != b'/' {
        return None;
    }
    let closed = run_of(window, closing, set!(|byte| byte != b'>'));
    let opening = run_of(window, closed + 1, set!(|byte| is(byte, SPACE)));
    let opened = run_of(window, opening, set!(|byte| byte != b'>'));
    if at(window, opening) != b'<' || at(window, opening + 1) == b'/' || at(window, opened) != b'>' {
        return None;
    }
    Some((opened + 1, element_end(bytes, opened + 1)))
}

#[cfg(test)]
mod tests {
    use super::super::redact;

    #[test]
    fn secrets_in_elements_go() {
        let x = concat!("FAKE", "00ab12cd");
        for (text, expected) in [
            (
                "<user>a</user><password>X</password>",
                "<user>a</user><password>********</password>",
            ),
            (
                "<wsse:Password Type=\"t\">X</wsse:Password>",
                "<wsse:Password Type=\"t\">********</wsse:Password>",
            ),
            (
                "<add key=\"Password\" value=\"X\" />",
                "<add key=\"Password\" value=\"********\" />",
            ),
            (
                "<property name='password'>X</property>",
                "<property name='password'>********</property>",
            ),
            (
                "<key>Label</key><string>app</string>",
                "<key>Label</key><string>app</string>",
            ),
            (
                "<key>Password</key>\n<string>X</string>",
                "<key>Password</key>\n<string>********</string>",
            ),
            ("usage: app --port <port>", "usage: app --port <port>"),
        ] {
            assert_eq!(redact(&text.replace('X', x)), expected);
        }
    }
}
