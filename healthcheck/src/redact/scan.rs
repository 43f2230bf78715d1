//! The state of a scan: the text, the ranges to mask, and the parts of the text that were already examined.

use std::borrow::Cow;
use std::ops::Range;

use super::bytes::*;
use super::names::Verdict;
use super::values::is_masked;
use super::{MASK, Rules, shapes};

/// No known token is shorter than this. The bench and the tests of the tables verify it.
pub(super) const SHORTEST_TOKEN: usize = 14;

/// The ranges to mask, in the order of the text.
#[derive(Default)]
pub(super) struct Spans(Vec<Span>);

struct Span {
    start: usize,
    end: usize,
    /// If the mask needs quotes: the number of backslashes before each quote, plus one. Otherwise 0.
    quote: u8,
}

impl Spans {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn ranges(&self) -> impl Iterator<Item = Range<usize>> {
        self.0.iter().map(|span| span.start..span.end)
    }

    /// Inserts a span at its position. Spans arrive nearly sorted, so the search from the end is short: a span comes too
    /// late by at most the length of a line that is read as a command.
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
            // Adjacent spans share one mask.
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
    /// How many layers of encoding this text was decoded from.
    pub(super) depth: u8,
    pub(super) spans: Spans,
    /// In `"name": "DB_PASSWORD", "value": "x"`, the verdict on the name `DB_PASSWORD`. It applies to the value `x`.
    pub(super) announced: Option<Verdict>,
    /// The position of the latest run of base64 characters that was examined.
    pub(super) base64_run: Range<usize>,
    /// The end of the latest percent-encoded word that was decoded.
    pub(super) decoded_until: usize,
    /// The end of the latest line that was read as a command.
    pub(super) command_until: usize,
    /// Whether the text is a Kubernetes Secret. `None` until this is determined.
    pub(super) is_manifest: Option<bool>,
    /// For each kind of quote, a position after which the text has no more such quotes. It prevents repeated searches to
    /// the end of the text.
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

    /// Extends a range to whole characters, because a bounded look-ahead may end inside one.
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

    /// Hides a value without quotes whose name has quotes, such as the number in `"pin": 1234`. Puts quotes around the
    /// mask, so that JSON stays valid.
    pub(super) fn hide_in_quotes(&mut self, range: Range<usize>, backslashes: usize) {
        let range = self.whole_characters(range);
        self.spans.insert(range, backslashes as u8 + 1);
    }

    /// Hides the token that begins at `place`, if any, and returns where reading continues.
    pub(super) fn token(&mut self, place: usize) -> Option<usize> {
        if !shapes::may_begin(self.bytes[place], at(self.bytes, place + 1)) {
            return None;
        }
        let found = shapes::at_place(self.bytes, place)?;
        // Skip the letters and digits directly after the token: no other token can begin there.
        let end = run(self.bytes, found.end, ALNUM);
        self.hide(found);
        Some(end)
    }

    /// Some tokens have a typical sign in their middle, such as `:` or `~`. Hides the token around the sign at `sign`, if
    /// any. Returns where reading continues.
    pub(super) fn mark(&mut self, sign: usize) -> usize {
        // Every such token has at least three bytes after the sign. This cheap test excludes times, versions and most
        // hosts.
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
