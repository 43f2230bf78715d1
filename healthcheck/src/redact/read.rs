//! Reads a text once, from left to right. The scanner stops at each separator, flag and URL, and at each word that may
//! begin a token.
//!
//! At a stop, the scanner looks for a name with a value, or for a value in the form of a secret. The tables in `words`,
//! `tokens` and `arguments` decide whether the value is secret.
//!
//! The scanner also decodes text in base64 or percent-encoding, and scans the decoded text by the same rules.

use std::ops::Range;

use super::bytes::*;
use super::scan::{SHORTEST_TOKEN, Scan, Spans};
use super::{addresses, arguments, pairs, prose, shapes};

/// How many nested layers of encoding are decoded at most. Base64 inside percent-encoding has two layers.
const DEEPEST: u8 = 2;
const SHORTEST_BASE64: usize = 20;

impl Scan<'_> {
    pub(super) fn read(mut self) -> Spans {
        let bytes = self.bytes;
        let mut place = 0;
        while place < bytes.len() {
            let byte = bytes[place];
            place = match byte {
                _ if is(byte, ALNUM) => self.word(place),
                b'=' | b':' => pairs::separator(&mut self, place),
                b'-' => self.dash(place),
                b'>' => pairs::element(&mut self, place),
                b'@' => addresses::user_info(&mut self, place),
                b'%' => self.percent(place),
                b'|' | b'~' | b'.' => self.mark(place),
                b'_' | b'$' | b'{' => self.token(place).unwrap_or_else(|| self.mark(place)),
                _ => place + 1,
            };
        }
        self.spans
    }

    fn word(&mut self, start: usize) -> usize {
        let bytes = self.bytes;
        let end = run(bytes, start, ALNUM);
        let (length, next) = (end - start, at(bytes, end));
        let alone = next == 0 || is(next, SPACE);
        if (!alone || length >= SHORTEST_TOKEN)
            && let Some(end) = self.token(start)
        {
            return end;
        }
        if length >= 2 && matches!(next, b' ' | b'(' | b'\t' | b'-') {
            prose::announcement(self, start, end);
        }
        if length >= 8 && self.depth < DEEPEST {
            return self.base64(start).unwrap_or(end);
        }
        end
    }

    /// If a base64 text begins at `start` and contains a secret, hides the whole base64 text and returns its end.
    /// Otherwise returns `None`.
    fn base64(&mut self, start: usize) -> Option<usize> {
        let bytes = self.bytes;
        // A run of base64 characters can contain a path before the base64 text, because a slash is also a base64
        // character.
        //
        // The first call for a run decodes the whole run. A later call decodes only the part after the last slash of
        // the run.
        let whole = start >= self.base64_run.end;
        if whole {
            if is(before(bytes, start), BASE64) {
                return None;
            }
            self.base64_run = start..run(bytes, start, BASE64);
        }
        let end = self.base64_run.end;
        let last = !whole && before(bytes, start) == b'/' && !bytes[start..end].contains(&b'/');
        let long = end - start >= SHORTEST_BASE64 && (whole || last);
        if !long || !base64_holds_secret(self, start, end) {
            return None;
        }
        let end = behind_padding(bytes, end);
        self.hide(start..end);
        Some(end)
    }

    fn dash(&mut self, place: usize) -> usize {
        let bytes = self.bytes;
        if bytes[place..].starts_with(b"-----BEGIN ") {
            let (found, end) = shapes::private_key(bytes, place);
            if let Some(found) = found {
                self.hide(found);
            }
            return end;
        }
        let preceding = before(bytes, place);
        if place >= self.command_until
            && (preceding == 0 || is(preceding, SPACE | QUOTE))
            && arguments::begins_flag(&bytes[place..])
        {
            self.command_until = arguments::on_line(self, place);
        }
        self.mark(place)
    }

    fn percent(&mut self, sign: usize) -> usize {
        let bytes = self.bytes;
        let is_code = at(bytes, sign + 1).is_ascii_hexdigit() && at(bytes, sign + 2).is_ascii_hexdigit();
        if is_code && sign >= self.decoded_until && self.depth < DEEPEST {
            let start = until_back(bytes, sign, 1024, SPACE | QUOTE).max(self.decoded_until);
            self.decoded_until = until(bytes, sign, SPACE | QUOTE);
            hide_in_percent_encoding(self, start..self.decoded_until);
        }
        self.mark(sign)
    }
}

/// Returns whether the base64 from `start` to `end` decodes to a text that contains a secret.
fn base64_holds_secret(scan: &Scan<'_>, start: usize, end: usize) -> bool {
    let run = &scan.bytes[start..end];
    // If the decoded bytes are text, the base64 begins with one of the characters `I` to `Z` and `a` to `f`.
    if !matches!(run[0], b'I'..=b'Z' | b'a'..=b'f') {
        return false;
    }
    // Most runs of base64 characters are words and digests. This cheap test decodes only the first 16 characters, and
    // excludes most words and digests.
    let is_text = |byte: u8| byte >= b' ' && byte != 0x7f || matches!(byte, b'\n' | b'\r' | b'\t');
    let begins_as_text = run
        .chunks_exact(4)
        .take(4)
        .all(|group| decode_group(group).is_some_and(|bytes| bytes.into_iter().all(is_text)));
    begins_as_text
        && decode_base64(run)
            .is_some_and(|text| !Scan::new(&text, scan.rules, scan.depth + 1).read().is_empty())
}

/// Decodes a percent-encoded word and finds the secrets in the decoded text. Hides the parts of the encoded word that
/// contain these secrets.
fn hide_in_percent_encoding(scan: &mut Scan<'_>, word: Range<usize>) {
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
