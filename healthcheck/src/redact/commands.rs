//! Command lines in the middle of a text: their flags are read as arguments are.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::arguments::{self, Origin};
use super::bytes::{QUOTE, SPACE, at, before, each_of, follows, is, line_end, set};
use super::scan::Scan;
use super::sieve::{Endings, of_table};
use super::signs::Signs;

/// Programs that take secrets without any flag, each up to the space behind it.
const CALLS: &[&str] = &[
    "sqlplus",
    "vault login",
    "rabbitmqctl",
    "wpa_passphrase",
    "xfreerdp",
    "cargo login",
    "redis-cli",
    "impdp",
    "expdp",
    " alias set",
];

static ENDINGS: Endings = of_table!(Endings: CALLS);

/// Takes what is piped into it; it may be the last word, before anything.
static CHPASSWD: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("chpasswd"));

pub(super) fn find(scan: &mut Scan<'_>) {
    let bytes = scan.bytes;
    let called = calls(scan);
    if !called && !scan.signs.all(Signs::each(b"-")) {
        return;
    }
    let mut line = 0;
    while line < bytes.len() {
        let end = line_end(bytes, line);
        if called || has_flag(bytes, line, end) {
            read_line(scan, line, end);
        }
        line = end + 1;
    }
}

/// Whether one of the programs is called anywhere.
fn calls(scan: &Scan<'_>) -> bool {
    let bytes = scan.bytes;
    each_of(bytes, set!(|byte| byte == b' ')).any(|space| {
        ends_call(bytes, space) || follows(bytes, space, " http-basic.") || follows(bytes, space, " on >")
    }) || scan.signs.all(Signs::each(b":")) && CHPASSWD.find(bytes).is_some()
}

fn ends_call(bytes: &[u8], space: usize) -> bool {
    let text = bytes.get(..space).unwrap_or_default();
    ENDINGS.may_have(before(bytes, space.wrapping_sub(1)), before(bytes, space))
        && CALLS.iter().any(|call| text.ends_with(call.as_bytes()))
}

fn has_flag(bytes: &[u8], start: usize, end: usize) -> bool {
    let line = bytes.get(start..end).unwrap_or_default();
    memchr::memchr_iter(b'-', line).any(|dash| {
        let previous = before(line, dash);
        matches!(previous, 0 | b' ' | b'\t' | b'"' | b'\'' | b'`' | b'(' | b'[')
            && (at(line, dash + 1).is_ascii_alphabetic() || at(line, dash + 1) == b'-')
    })
}

fn read_line(scan: &mut Scan<'_>, start: usize, end: usize) {
    let bytes = scan.bytes;
    let mut words = Vec::new();
    let mut places = Vec::new();
    let line = bytes.get(..end).unwrap_or(bytes);
    let mut place = start;
    while place < end {
        let word_end = word_end(line, place);
        if word_end == place {
            // Space, quotes and brackets around a word are not part of it, and neither are escapes of these.
            let escape = at(line, place) == b'\\' && matches!(at(line, place + 1), b'n' | b'r' | b't');
            place += if escape { 2 } else { 1 };
            continue;
        }
        let word = scan.part(place, word_end).trim_end_matches([',', ';', ')', ']']);
        if !word.is_empty() {
            words.push(word);
            places.push(place);
        }
        place = word_end;
    }
    for secret in arguments::secrets(&words, Origin::Text, scan.rules) {
        if let Some(place) = places.get(secret.argument) {
            let (start, end) = (place + secret.range.start, place + secret.range.end);
            let mark = before(bytes, start);
            // A secret of several words stands in quotes.
            let close = if is(mark, QUOTE) {
                memchr::memchr(mark, line.get(end..).unwrap_or_default())
            } else {
                None
            };
            scan.spans.hide(start..close.map_or(end, |found| end + found));
        }
    }
}

fn word_end(line: &[u8], start: usize) -> usize {
    let mut place = start;
    while place < line.len() {
        let byte = at(line, place);
        if byte == b'\\' {
            // An escaped quote, line feed or tabulator ends the word, any other escape is part of it.
            if matches!(at(line, place + 1), b'"' | b'\'' | b'n' | b'r' | b't' | b'\\') {
                return place;
            }
            place += 1;
        } else if is(byte, QUOTE)
            && place == start + 2
            && before(line, start) != byte
            && at(line, start) == b'-'
            && at(line, start + 1) != b'-'
        {
            // `-p'two words'`
            let rest = line.get(place + 1..).unwrap_or_default();
            return memchr::memchr(byte, rest).map_or(place, |found| place + 1 + found);
        } else if is(byte, SPACE | QUOTE) || place == start && matches!(byte, b'(' | b'[' | b',') {
            return place;
        }
        place += 1;
    }
    line.len()
}

#[cfg(test)]
mod tests {
    use super::super::redact;

    #[test]
    fn flags_in_a_text_are_read() {
        let x = concat!("FAKE", "00ab12cd");
        for (text, expected) in [
            (
                "user default on >X ~* +@all",
                "user default on >******** ~* +@all",
            ),
            ("echo \"svc:X\" | chpasswd", "echo \"svc:********\" | chpasswd"),
            (
                "'echo svc:X | chpasswd' failed",
                "'echo svc:******** | chpasswd' failed",
            ),
            ("(echo svc:X | chpasswd)", "(echo svc:******** | chpasswd)"),
            ("echo svc:X | chpasswd; ls", "echo svc:******** | chpasswd; ls"),
            ("echo svc:X | chpasswd\r\n", "echo svc:******** | chpasswd\r\n"),
            (
                "composer config http-basic.repo u X",
                "composer config http-basic.repo u ********",
            ),
            (
                "exec: mysql -u root -pX failed",
                "exec: mysql -u root -p******** failed",
            ),
            (
                "-Xmx1g -Ddb.password=X -jar a.jar",
                "-Xmx1g -Ddb.password=******** -jar a.jar",
            ),
            (
                "started with --token X --port 80",
                "started with --token ******** --port 80",
            ),
            (
                "[\"app\", \"--password\", \"X\"]",
                "[\"app\", \"--password\", \"********\"]",
            ),
            ("curl -u a:X https://h", "curl -u a:******** https://h"),
        ] {
            assert_eq!(
                redact(&text.replace('X', x).replace(&format!("-{x}mx"), "-Xmx")),
                expected,
                "{text}"
            );
        }
        for text in [
            "the flag --password is required",
            "use --token to sign in",
            "a - b -- c --help",
            "cp -p a b",
        ] {
            assert_eq!(redact(text), text);
        }
    }
}
