//! One way through a text: every separator, flag, address and word that may begin a token is met once, from left to
//! right, and gives a name with a value, or a value that is known by its shape. The tables then judge.

use std::borrow::Cow;
use std::ops::Range;

use super::bytes::*;
use super::names::Verdict;
use super::values::is_masked;
use super::{MASK, Rules, addresses, arguments, encoded, pairs, prose, shapes};

/// Text inside text is read so deep: base64 in percent-encoding in a text.
const DEEPEST: u8 = 2;
/// No token is shorter; the bench and the tests of the tables hold it.
pub(super) const SHORTEST_TOKEN: usize = 14;
const SHORTEST_BASE64: usize = 20;

/// What is to be masked, in the order of the text.
#[derive(Default)]
pub(super) struct Spans(Vec<Span>);

struct Span {
    start: usize,
    end: usize,
    /// Around the mask comes a quote behind so many backslashes, less one; 0 for none.
    quote: u8,
}

impl Spans {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn ranges(&self) -> impl Iterator<Item = Range<usize>> {
        self.0.iter().map(|span| span.start..span.end)
    }

    /// They come nearly sorted, so the way back is short: how far out of order one may be is bounded by the longest
    /// line that is read as a command.
    pub(super) fn insert(&mut self, range: Range<usize>, quote: u8) {
        let behind = self
            .0
            .iter()
            .rev()
            .take_while(|span| span.start > range.start)
            .count();
        let span = Span {
            start: range.start,
            end: range.end,
            quote,
        };
        self.0.insert(self.0.len() - behind, span);
    }

    /// The text with masks for its secrets.
    pub(super) fn masked<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut shown = String::new();
        let mut done = 0;
        for span in &self.0 {
            if span.end <= done {
                continue;
            }
            // Spans that touch have one mask.
            if span.start > done || done == 0 {
                shown.push_str(text.get(done..span.start).unwrap_or_default());
                let quote = |shown: &mut String| {
                    if let Some(backslashes) = span.quote.checked_sub(1) {
                        shown.extend(std::iter::repeat_n('\\', usize::from(backslashes)).chain(['"']));
                    }
                };
                quote(&mut shown);
                shown.push_str(MASK);
                quote(&mut shown);
            }
            done = span.end;
        }
        if done == 0 {
            return Cow::Borrowed(text);
        }
        shown.push_str(text.get(done..).unwrap_or_default());
        Cow::Owned(shown)
    }
}

pub(super) struct Scan<'t> {
    pub(super) text: &'t str,
    pub(super) bytes: &'t [u8],
    pub(super) rules: &'t Rules,
    /// How often text was decoded to come here.
    pub(super) depth: u8,
    spans: Spans,
    /// What the last `"name": "…"` announced for the `"value"` beside it.
    pub(super) announced: Option<Verdict>,
    /// The run of base64 that was looked at last.
    base64_run: Range<usize>,
    /// Where the word with percent signs ends that was decoded last, and the line whose flags were read.
    decoded_until: usize,
    command_until: usize,
    /// Whether this is a Kubernetes Secret, once that was asked.
    pub(super) is_manifest: Option<bool>,
    /// From where on no quote of a kind stands any more, so that none is looked for twice to the end of the text.
    pub(super) no_quote_from: [usize; 3],
}

impl<'t> Scan<'t> {
    pub(super) fn new(text: &'t str, rules: &'t Rules, depth: u8) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            rules,
            depth,
            spans: Spans::default(),
            announced: None,
            base64_run: 0..0,
            decoded_until: 0,
            command_until: 0,
            is_manifest: None,
            no_quote_from: [usize::MAX; 3],
        }
    }

    /// A part of the text, empty where it isn't one.
    pub(super) fn part(&self, start: usize, end: usize) -> &'t str {
        self.text.get(start..end).unwrap_or_default()
    }

    pub(super) fn hide(&mut self, range: Range<usize>) {
        let range = self.whole_characters(range);
        if range.start < range.end && !is_masked(&self.text[range.clone()]) {
            self.spans.insert(range, 0);
        }
    }

    /// A bounded look-ahead may end in the middle of a character.
    fn whole_characters(&self, range: Range<usize>) -> Range<usize> {
        let (mut start, mut end) = (range.start.min(self.text.len()), range.end.min(self.text.len()));
        while !self.text.is_char_boundary(start) {
            start -= 1;
        }
        while !self.text.is_char_boundary(end) {
            end += 1;
        }
        start..end
    }

    /// Hides what stands unquoted behind a name in quotes, a number or a list: with quotes around the mask a JSON text
    /// stays one.
    pub(super) fn hide_in_quotes(&mut self, range: Range<usize>, backslashes: usize) {
        let range = self.whole_characters(range);
        self.spans.insert(range, backslashes as u8 + 1);
    }

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

    /// A token that begins here; where to read on.
    fn token(&mut self, place: usize) -> Option<usize> {
        if !shapes::may_begin(self.bytes[place], at(self.bytes, place + 1)) {
            return None;
        }
        let found = shapes::at_place(self.bytes, place)?;
        // What is left of a word behind a token begins none.
        let end = run(self.bytes, found.end, ALNUM);
        self.hide(found);
        Some(end)
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

    /// Base64 that begins here and holds a secret; where it ends.
    fn base64(&mut self, start: usize) -> Option<usize> {
        let bytes = self.bytes;
        // The two ways in which a run is read: whole, and behind its last slash, since a path may stand before it.
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
        if !long || !encoded::base64_holds_secret(self, start, end) {
            return None;
        }
        let end = behind_padding(bytes, end);
        self.hide(start..end);
        Some(end)
    }

    pub(super) fn mark(&mut self, sign: usize) -> usize {
        // Behind every mark come at least three bytes more: this spares times, versions and most hosts the search.
        if is(at(self.bytes, sign + 1), ALNUM)
            && is(at(self.bytes, sign + 3), TOKEN)
            && is(before(self.bytes, sign), ALNUM)
            && let Some(found) = shapes::around(self.bytes, sign)
        {
            self.hide(found);
        }
        sign + 1
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
            encoded::hide_in_percent_encoding(self, start..self.decoded_until);
        }
        self.mark(sign)
    }
}
