//! A text that is being read: where in it the reader is, and what of it is to be masked.

use std::borrow::Cow;
use std::ops::Range;

use super::bytes::*;
use super::names::Verdict;
use super::values::is_masked;
use super::{MASK, Rules, shapes};

/// No token is shorter; the bench and the tests of the tables hold it.
pub(super) const SHORTEST_TOKEN: usize = 14;

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
    pub(super) spans: Spans,
    /// What the last `"name": "…"` announced for the `"value"` beside it.
    pub(super) announced: Option<Verdict>,
    /// The run of base64 that was looked at last.
    pub(super) base64_run: Range<usize>,
    /// Where the word with percent signs ends that was decoded last, and the line whose flags were read.
    pub(super) decoded_until: usize,
    pub(super) command_until: usize,
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

    /// A token that begins here; where to read on.
    pub(super) fn token(&mut self, place: usize) -> Option<usize> {
        if !shapes::may_begin(self.bytes[place], at(self.bytes, place + 1)) {
            return None;
        }
        let found = shapes::at_place(self.bytes, place)?;
        // What is left of a word behind a token begins none.
        let end = run(self.bytes, found.end, ALNUM);
        self.hide(found);
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
}
