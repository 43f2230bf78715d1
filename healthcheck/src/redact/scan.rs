//! The state of the scanner: the text, the ranges to mask, and the parts of the text that were already examined.

use std::borrow::Cow;
use std::ops::Range;

use super::bytes::*;
use super::names::Verdict;
use super::values::is_masked;
use super::{MASK, Rules, shapes};

/// The length of the shortest known token, in bytes. A test of the tables verifies that no known token is shorter.
pub(super) const SHORTEST_TOKEN: usize = 14;

/// The ranges to mask, in the order of the text.
#[derive(Default)]
pub(super) struct Spans(Vec<Span>);

struct Span {
    start: usize,
    end: usize,
    /// If the mask needs quotes, the number of backslashes before each quote, plus one. Otherwise 0.
    quote: u8,
}

impl Spans {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn ranges(&self) -> impl Iterator<Item = Range<usize>> {
        self.0.iter().map(|span| span.start..span.end)
    }

    /// Inserts a span at its sorted position. Searches for this position from the end, because the new span is usually
    /// the last one.
    ///
    /// If the line of the new span was already read as a command, there may be later spans in this line.
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

    /// Returns the text with its secrets masked.
    pub(super) fn masked<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut shown = String::new();
        let mut done = 0;
        for span in &self.0 {
            if span.end <= done {
                continue;
            }
            // Adjacent spans get one mask together. Write this mask only for the first of them.
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
    /// How many layers of base64 or percent-encoding were removed to get this text.
    pub(super) depth: u8,
    pub(super) spans: Spans,
    /// In `"name": "DB_PASSWORD", "value": "x"`, the verdict on the name `DB_PASSWORD`. This verdict applies to the
    /// value `x`.
    pub(super) announced: Option<Verdict>,
    /// The range of the last run of base64 characters that the scanner has examined.
    pub(super) base64_run: Range<usize>,
    /// The end of the last percent-encoded word that the scanner has decoded.
    pub(super) decoded_until: usize,
    /// The end of the last line that the scanner has read as a command.
    pub(super) command_until: usize,
    /// Whether the text is a Kubernetes Secret. `None` until the scanner has determined this.
    pub(super) is_manifest: Option<bool>,
    /// For each kind of quote: a position after which the text contains no such quote. After this position, the scanner
    /// doesn't search for this kind of quote again.
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

    /// Returns a part of the text, or an empty string if the range isn't valid.
    pub(super) fn part(&self, start: usize, end: usize) -> &'t str {
        self.text.get(start..end).unwrap_or_default()
    }

    pub(super) fn hide(&mut self, range: Range<usize>) {
        let range = self.whole_characters(range);
        if range.start < range.end && !is_masked(&self.text[range.clone()]) {
            self.spans.insert(range, 0);
        }
    }

    /// Extends a range to whole characters. A look-ahead with a limited number of bytes may end inside a character.
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

    /// Hides a value that isn't quoted but whose name is quoted, such as the number in `"pin": 1234`. Puts quotes
    /// around the mask, because unquoted asterisks aren't valid JSON.
    pub(super) fn hide_in_quotes(&mut self, range: Range<usize>, backslashes: usize) {
        let range = self.whole_characters(range);
        self.spans.insert(range, backslashes as u8 + 1);
    }

    /// If a token begins at `place`, hides the token and returns the position at which the scanner continues. Otherwise
    /// returns `None`.
    pub(super) fn token(&mut self, place: usize) -> Option<usize> {
        if !shapes::may_begin(self.bytes[place], at(self.bytes, place + 1)) {
            return None;
        }
        let found = shapes::at_place(self.bytes, place)?;
        // Skip the letters and digits directly after the token, because no other token can begin there.
        let end = run(self.bytes, found.end, ALNUM);
        self.hide(found);
        Some(end)
    }

    /// Hides the token around the position `sign`, if there is one: some tokens have a typical sign in their middle,
    /// such as `:` or `~`. Returns the position after the sign.
    pub(super) fn mark(&mut self, sign: usize) -> usize {
        // Every token with a typical sign has at least three bytes after the sign. This cheap test excludes times,
        // versions and most hosts.
        if is(at(self.bytes, sign + 1), ALNUM)
            && is(at(self.bytes, sign + 3), TOKEN)
            && is(before(self.bytes, sign), ALNUM)
            && let Some(found) = shapes::around(self.bytes, sign)
        {
            self.hide(found);
        }
        sign + 1
    }
}
