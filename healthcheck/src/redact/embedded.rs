//! Text inside text: base64 and percent-encoding are undone, and what they hold is read by the same rules.

use super::base64;
use super::bytes::{BASE64, HEX, SPACE, at, is, run, run_while};
use super::scan::Scan;

/// Shorter base64 holds no setting with its secret.
const SHORTEST: usize = 20;

pub(super) fn find(scan: &mut Scan<'_>) {
    in_base64(scan);
    in_percent_encoding(scan);
}

fn in_base64(scan: &mut Scan<'_>) {
    let bytes = scan.bytes;
    let mut from = 0;
    while from < bytes.len() {
        if !is(at(bytes, from), BASE64) {
            from += 1;
            continue;
        }
        let start = from;
        let end = run(bytes, start, BASE64);
        from = end + 1;
        if end - start < SHORTEST {
            continue;
        }
        if let Some(secret) = start_of_secret(scan, start, end) {
            let padded = run_while(bytes, end, |byte| byte == b'=');
            scan.spans.hide(secret..padded);
            from = padded.max(from);
        }
    }
}

/// Where in a run of base64 text with a secret begins. A path before it is of the same letters.
fn start_of_secret(scan: &Scan<'_>, start: usize, end: usize) -> Option<usize> {
    if holds_secret(scan, start, end) {
        return Some(start);
    }
    let slash = scan.bytes.get(start..end)?.iter().rposition(|byte| *byte == b'/')? + start + 1;
    (end - slash >= SHORTEST && holds_secret(scan, slash, end)).then_some(slash)
}

fn holds_secret(scan: &Scan<'_>, start: usize, end: usize) -> bool {
    let run = scan.bytes.get(start..end).unwrap_or_default();
    // Most runs are words and digests: a look at the beginning spares decoding them.
    let is_text = |head: &[u8]| {
        base64::decode(head).is_some_and(|decoded| decoded.iter().all(|byte| byte.is_ascii_graphic() || is(*byte, SPACE) && *byte != 0 || *byte >= 0x80) && decoded.iter().filter(|byte| byte.is_ascii()).count() * 4 >= decoded.len() * 3)
    };
    if !run.get(..16).is_some_and(is_text) {
        return false;
    }
    // What is left over at the end of a cut text still counts.
    let whole = run.get(..run.len() - usize::from(run.len() % 4 == 1)).unwrap_or(run);
    base64::decode(whole)
        .and_then(|decoded| String::from_utf8(decoded).ok())
        .is_some_and(|text| !Scan::new(&text, scan.rules, scan.depth + 1).run().is_empty())
}

fn in_percent_encoding(scan: &mut Scan<'_>) {
    let bytes = scan.bytes;
    let mut from = 0;
    while let Some(found) = memchr::memchr(b'%', bytes.get(from..).unwrap_or_default()) {
        let sign = from + found;
        from = sign + 1;
        if !(is(at(bytes, sign + 1), HEX) && is(at(bytes, sign + 2), HEX)) {
            continue;
        }
        let start = super::bytes::run_back(bytes, 0, sign, is_inside_word);
        let end = run_while(bytes, sign, is_inside_word);
        from = end;
        let word = Decoded::of(bytes.get(start..end).unwrap_or_default());
        let Some(text) = word.text() else { continue };
        if word.structural {
            let spans = Scan::new(text, scan.rules, scan.depth + 1).run();
            for range in spans.ranges() {
                scan.spans.hide(start + word.origin(range.start)..start + word.origin(range.end));
            }
        }
    }
}

fn is_inside_word(byte: u8) -> bool {
    !is(byte, SPACE) && !matches!(byte, b'"' | b'\'' | b'`' | b'<' | b'>' | b'\\')
}

/// A word without its percent-encoding, and where each byte of it came from.
struct Decoded {
    bytes: Vec<u8>,
    origins: Vec<u32>,
    length: usize,
    /// Whether anything was encoded that gives a text its structure.
    structural: bool,
}

impl Decoded {
    fn of(word: &[u8]) -> Self {
        let mut decoded =
            Self { bytes: Vec::with_capacity(word.len()), origins: Vec::with_capacity(word.len()), length: word.len(), structural: false };
        let mut place = 0;
        while place < word.len() {
            let origin = u32::try_from(place).unwrap_or(u32::MAX);
            let encoded = at(word, place) == b'%' && is(at(word, place + 1), HEX) && is(at(word, place + 2), HEX);
            let byte = if encoded { digit(at(word, place + 1)) << 4 | digit(at(word, place + 2)) } else { at(word, place) };
            decoded.structural |= encoded && matches!(byte, b'"' | b'\'' | b':' | b'=' | b'@' | b'{' | b'&' | b';' | b'/' | b' ' | b'%');
            decoded.bytes.push(byte);
            decoded.origins.push(origin);
            place += if encoded { 3 } else { 1 };
        }
        decoded
    }

    fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.bytes).ok()
    }

    fn origin(&self, place: usize) -> usize {
        self.origins.get(place).map_or(self.length, |origin| *origin as usize)
    }
}

fn digit(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => byte - b'0',
        _ => (byte | 0x20).wrapping_sub(b'a').wrapping_add(10) & 0x0f,
    }
}

#[cfg(test)]
mod tests {
    use super::super::redact;

    #[test]
    fn secrets_in_encoded_text_go() {
        for (text, expected) in [
            // {"password":"FAKE-json-1"}
            ("APP=eyJwYXNzd29yZCI6IkZBS0UtanNvbi0xIn0=", "APP=********"),
            // {"port":8080,"host":"db"}
            ("APP=eyJwb3J0Ijo4MDgwLCJob3N0IjoiZGIifQ==", "APP=eyJwb3J0Ijo4MDgwLCJob3N0IjoiZGIifQ=="),
            ("%7B%22password%22%3A%22FAKE%22%7D", "%7B%22password%22%3A%22********%22%7D"),
            ("https://h/?next=https%3A%2F%2Fa%3AFAKE%40b%2Fc", "https://h/?next=https%3A%2F%2Fa%3A********%40b%2Fc"),
            ("/usr/lib/x86_64-linux-gnu/libssl.so.3", "/usr/lib/x86_64-linux-gnu/libssl.so.3"),
            ("a%20b%3Dc", "a%20b%3Dc"),
        ] {
            assert_eq!(redact(text), expected);
        }
    }
}
