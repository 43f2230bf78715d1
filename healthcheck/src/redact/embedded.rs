//! Text inside text: base64 and percent-encoding are undone, and what they hold is read by the same rules.

use super::base64;
use super::bytes::{BASE64, HEX, SPACE, Set, at, is, run_back_of, run_of, set};
use super::documents;
use super::scan::Scan;
use super::signs::Signs;

/// How often text inside text is unpacked: base64 in percent-encoding in JSON.
const DEEPEST: u8 = 2;

/// Shorter base64 holds no setting with its secret.
const SHORTEST: usize = 20;

pub(super) fn find(scan: &mut Scan<'_>) {
    if scan.depth >= DEEPEST {
        return;
    }
    if scan.bytes.len() >= SHORTEST {
        in_base64(scan);
    }
    if scan.signs.all(Signs::each(b"%")) {
        in_percent_encoding(scan);
    }
    if scan.signs.all(Signs::each(b"&")) {
        in_entities(scan);
    }
}

fn in_base64(scan: &mut Scan<'_>) {
    let bytes = scan.bytes;
    let mut start = 0;
    while start < bytes.len() {
        let end = run_of(bytes, start, LETTERS);
        let mut next = end + 1;
        if end - start >= SHORTEST
            && let Some(secret) = start_of_secret(scan, start, end)
        {
            let padded = run_of(bytes, end, set!(|byte| byte == b'='));
            scan.spans.hide(secret..padded);
            next = padded.max(next);
        }
        start = next;
    }
}

const LETTERS: &Set = set!(|byte| is(byte, BASE64));

/// Where in a run of base64 text with a secret begins. A path before it is of the same letters.
fn start_of_secret(scan: &Scan<'_>, start: usize, end: usize) -> Option<usize> {
    if holds_secret(scan, start, end) {
        return Some(start);
    }
    let slash = scan
        .bytes
        .get(start..end)?
        .iter()
        .rposition(|byte| *byte == b'/')?
        + start
        + 1;
    (end - slash >= SHORTEST && holds_secret(scan, slash, end)).then_some(slash)
}

fn holds_secret(scan: &Scan<'_>, start: usize, end: usize) -> bool {
    let run = scan.bytes.get(start..end).unwrap_or_default();
    // Most runs are words and digests: a look at the beginning spares decoding them.
    if !base64::head::<3>(run).is_some_and(|head| is_text(&head))
        || !base64::head::<12>(run).is_some_and(|head| is_text(&head))
    {
        return false;
    }
    // What is left over at the end of a cut text still counts.
    let whole = run
        .get(..run.len() - usize::from(run.len() % 4 == 1))
        .unwrap_or(run);
    base64::decode(whole)
        .and_then(|decoded| String::from_utf8(decoded).ok())
        .is_some_and(|text| {
            let mut inner = Scan::new(&text, scan.rules, scan.depth + 1);
            inner.probe = true;
            !inner.run().is_empty() || documents::holds_secret(scan.rules, &text, scan.depth + 1)
        })
}

fn is_text(head: &[u8]) -> bool {
    let cut_at_most = |error: std::str::Utf8Error| error.error_len().is_none();
    head.iter()
        .all(|byte| !byte.is_ascii_control() || byte.is_ascii_whitespace())
        && std::str::from_utf8(head).map_or_else(cut_at_most, |_| true)
}

/// What was found in an unpacked word goes where it came from; what only the document as a whole gives away takes the
/// word with it.
fn hide_unpacked(scan: &mut Scan<'_>, start: usize, end: usize, word: &Decoded) {
    let Some(text) = word.text() else { return };
    let spans = Scan::new(text, scan.rules, scan.depth + 1).run();
    for range in spans.ranges() {
        scan.spans
            .hide(start + word.origin(range.start)..start + word.origin(range.end));
    }
    if spans.is_empty() && documents::holds_secret(scan.rules, text, scan.depth + 1) {
        scan.spans.hide(start..end);
    }
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
        let start = run_back_of(bytes, 0, sign, INSIDE_WORD);
        let end = run_of(bytes, sign, INSIDE_WORD);
        from = end;
        let word = Decoded::of(bytes.get(start..end).unwrap_or_default(), percent);
        if word.structural {
            hide_unpacked(scan, start, end, &word);
        }
    }
}

/// `&quot;password&quot;:&quot;x&quot;`
fn in_entities(scan: &mut Scan<'_>) {
    let bytes = scan.bytes;
    if memchr::memchr_iter(b'&', bytes).all(|sign| !matches!(at(bytes, sign + 1), b'q' | b'#')) {
        return;
    }
    let word = Decoded::of(bytes, entity);
    if word.structural {
        hide_unpacked(scan, 0, bytes.len(), &word);
    }
}

const INSIDE_WORD: &Set =
    set!(|byte| !is(byte, SPACE) && !matches!(byte, b'"' | b'\'' | b'`' | b'<' | b'>' | b'\\'));

/// A word without its percent-encoding, and where each byte of it came from.
struct Decoded {
    bytes: Vec<u8>,
    origins: Vec<u32>,
    length: usize,
    /// Whether anything was encoded that gives a text its structure.
    structural: bool,
}

impl Decoded {
    /// `unpack` gives the byte that is written at the beginning of a text in several, and in how many.
    fn of(word: &[u8], unpack: fn(&[u8]) -> Option<(u8, usize)>) -> Self {
        let mut decoded = Self {
            bytes: Vec::with_capacity(word.len()),
            origins: Vec::with_capacity(word.len()),
            length: word.len(),
            structural: false,
        };
        let mut place = 0;
        while let Some(rest) = word.get(place..).filter(|rest| !rest.is_empty()) {
            let (byte, length) = match unpack(rest) {
                Some((byte, length)) => {
                    decoded.structural |= b"\"':=@{&;/ %\\".contains(&byte);
                    (byte, length)
                }
                None => (at(rest, 0), 1),
            };
            decoded.bytes.push(byte);
            decoded.origins.push(u32::try_from(place).unwrap_or(u32::MAX));
            place += length;
        }
        decoded
    }

    fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.bytes).ok()
    }

    fn origin(&self, place: usize) -> usize {
        self.origins
            .get(place)
            .map_or(self.length, |origin| *origin as usize)
    }
}

fn percent(rest: &[u8]) -> Option<(u8, usize)> {
    let encoded = at(rest, 0) == b'%' && is(at(rest, 1), HEX) && is(at(rest, 2), HEX);
    encoded.then(|| (digit(at(rest, 1)) << 4 | digit(at(rest, 2)), 3))
}

fn entity(rest: &[u8]) -> Option<(u8, usize)> {
    const NAMED: &[(&[u8], u8)] = &[
        (b"&quot;", b'"'),
        (b"&#34;", b'"'),
        (b"&#x22;", b'"'),
        (b"&apos;", b'\''),
        (b"&#39;", b'\''),
        (b"&#x27;", b'\''),
        (b"&amp;", b'&'),
        (b"&lt;", b'<'),
        (b"&gt;", b'>'),
        (b"&#61;", b'='),
        (b"&#58;", b':'),
        (b"&#64;", b'@'),
    ];
    if at(rest, 0) != b'&' {
        return None;
    }
    NAMED
        .iter()
        .find(|(name, _)| rest.starts_with(name))
        .map(|(name, byte)| (*byte, name.len()))
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
            (
                "APP=eyJwb3J0Ijo4MDgwLCJob3N0IjoiZGIifQ==",
                "APP=eyJwb3J0Ijo4MDgwLCJob3N0IjoiZGIifQ==",
            ),
            (
                "%7B%22password%22%3A%22FAKE%22%7D",
                "%7B%22password%22%3A%22********%22%7D",
            ),
            (
                "https://h/?next=https%3A%2F%2Fa%3AFAKE%40b%2Fc",
                "https://h/?next=https%3A%2F%2Fa%3A********%40b%2Fc",
            ),
            (
                "/usr/lib/x86_64-linux-gnu/libssl.so.3",
                "/usr/lib/x86_64-linux-gnu/libssl.so.3",
            ),
            ("a%20b%3Dc", "a%20b%3Dc"),
            (
                "&quot;password&quot;:&quot;FAKE&quot;",
                "&quot;password&quot;:&quot;********&quot;",
            ),
        ] {
            assert_eq!(redact(text), expected);
        }
    }
}
