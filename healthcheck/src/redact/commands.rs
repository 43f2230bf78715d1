//! Command lines in the middle of a text: their flags are read as arguments are.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::arguments::{self, Origin};
use super::bytes::{SPACE, at, before, is, line_end, run, run_while};
use super::scan::Scan;

/// Programs that take secrets without any flag.
const BY_PLACE: &[&[u8]] =
    &[b"sqlplus ", b"vault login ", b"rabbitmqctl ", b"wpa_passphrase ", b"xfreerdp ", b"cargo login ", b"redis-cli "];

static FINDERS: LazyLock<Vec<Finder<'static>>> =
    LazyLock::new(|| BY_PLACE.iter().map(|program| Finder::new(*program)).collect());

pub(super) fn find(scan: &mut Scan<'_>) {
    let bytes = scan.bytes;
    let called = FINDERS.iter().any(|program| program.find(bytes).is_some());
    let mut line = 0;
    while line < bytes.len() {
        let end = line_end(bytes, line);
        if has_flag(bytes, line, end) || called {
            read_line(scan, line, end);
        }
        line = end + 1;
    }
}

fn has_flag(bytes: &[u8], start: usize, end: usize) -> bool {
    let line = bytes.get(start..end).unwrap_or_default();
    memchr::memchr_iter(b'-', line).any(|dash| {
        let previous = before(line, dash);
        matches!(previous, 0 | b' ' | b'\t' | b'"' | b'\'' | b'`' | b'(' | b'[') && (at(line, dash + 1).is_ascii_alphabetic() || at(line, dash + 1) == b'-')
    })
}

fn read_line(scan: &mut Scan<'_>, start: usize, end: usize) {
    let bytes = scan.bytes;
    let mut words = Vec::new();
    let mut places = Vec::new();
    let mut place = start;
    while place < end {
        place = run(bytes, place, SPACE).min(end);
        // Quotes and brackets around a word are not part of it.
        place = run_while(bytes.get(..end).unwrap_or(bytes), place, |byte| matches!(byte, b'"' | b'\'' | b'`' | b'(' | b'[' | b',' | b'\\'));
        let word_end = run_while(bytes.get(..end).unwrap_or(bytes), place, |byte| {
            !is(byte, SPACE) && !matches!(byte, b'"' | b'\'' | b'`' | b'\\')
        });
        if word_end > place {
            let word = scan.part(place, word_end);
            let word = word.trim_end_matches([',', ';', ')', ']']);
            if !word.is_empty() {
                words.push(word);
                places.push(place);
            }
        }
        place = word_end.max(place + 1);
    }
    for secret in arguments::secrets(&words, Origin::Text, scan.rules) {
        if let Some(place) = places.get(secret.argument) {
            scan.spans.hide(place + secret.range.start..place + secret.range.end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::redact;

    #[test]
    fn flags_in_a_text_are_read() {
        let x = concat!("FAKE", "00ab12cd");
        for (text, expected) in [
            ("exec: mysql -u root -pX failed", "exec: mysql -u root -p******** failed"),
            ("-Xmx1g -Ddb.password=X -jar a.jar", "-Xmx1g -Ddb.password=******** -jar a.jar"),
            ("started with --token X --port 80", "started with --token ******** --port 80"),
            ("[\"app\", \"--password\", \"X\"]", "[\"app\", \"--password\", \"********\"]"),
            ("curl -u a:X https://h", "curl -u a:******** https://h"),
        ] {
            assert_eq!(redact(&text.replace('X', x).replace(&format!("-{x}mx"), "-Xmx")), expected, "{text}");
        }
        for text in ["the flag --password is required", "use --token to sign in", "a - b -- c --help", "cp -p a b"] {
            assert_eq!(redact(text), text);
        }
    }
}
