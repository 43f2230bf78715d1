//! Text inside text: base64 and percent-encoding are undone, and what they hold is read by the same rules.

use std::ops::Range;

use super::bytes::{at, has, trimmed};
use super::scan::Scan;

fn sextet(byte: u8) -> Option<u32> {
    Some(u32::from(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    }))
}

/// Up to four characters as up to three bytes.
fn decode_group(group: &[u8]) -> Option<[u8; 3]> {
    let mut bits = 0;
    for byte in group {
        bits = bits << 6 | sextet(*byte)?;
    }
    let [_, first, second, third] = (bits << (6 * (4 - group.len()))).to_be_bytes();
    Some([first, second, third])
}

fn decode(base64: &[u8]) -> Option<String> {
    let mut bytes = Vec::with_capacity(base64.len() / 4 * 3 + 2);
    for group in base64.chunks(4) {
        bytes.extend_from_slice(decode_group(group)?.get(..group.len().saturating_sub(1))?);
    }
    String::from_utf8(bytes).ok()
}

/// Whether a run of base64 is a text that has a secret in it.
pub(super) fn base64_holds_secret(scan: &Scan<'_>, start: usize, end: usize) -> bool {
    let run = &scan.bytes[start..end];
    // Text begins with these only.
    if !matches!(run[0], b'I'..=b'Z' | b'a'..=b'f') {
        return false;
    }
    // Most runs are words and digests: a look at the beginning spares decoding them.
    let is_text = |byte: u8| byte >= b' ' && byte != 0x7f || matches!(byte, b'\n' | b'\r' | b'\t');
    let begins_as_text = run
        .chunks_exact(4)
        .take(4)
        .all(|group| decode_group(group).is_some_and(|bytes| bytes.into_iter().all(is_text)));
    begins_as_text
        && decode(run).is_some_and(|text| !Scan::new(&text, scan.rules, scan.depth + 1).read().is_empty())
}

/// Whether this is what `Basic` takes: `user:password` in base64.
pub(super) fn is_user_and_password(base64: &str) -> bool {
    decode(trimmed(base64, b"", b"=").as_bytes())
        .is_some_and(|text| has(&text, b":") && !text.bytes().any(|byte| byte.is_ascii_control()))
}

/// Hides the secrets of a word with percent signs where they came from.
pub(super) fn hide_in_percent_encoding(scan: &mut Scan<'_>, word: Range<usize>) {
    let bytes = scan.bytes;
    let mut text = Vec::with_capacity(word.len());
    let mut origins = Vec::with_capacity(word.len() + 1);
    let digit = |place: usize| char::from(at(bytes, place)).to_digit(16);
    let mut place = word.start;
    while place < word.end {
        let code = if bytes[place] == b'%' {
            digit(place + 1).zip(digit(place + 2))
        } else {
            None
        };
        text.push(code.map_or(bytes[place], |(high, low)| (high << 4 | low) as u8));
        origins.push(place);
        place += if code.is_some() { 3 } else { 1 };
    }
    origins.push(word.end);
    let Ok(text) = String::from_utf8(text) else { return };
    for found in Scan::new(&text, scan.rules, scan.depth + 1).read().ranges() {
        if let (Some(start), Some(end)) = (origins.get(found.start), origins.get(found.end)) {
            scan.hide(*start..*end);
        }
    }
}
