//! The parts of a text that are to be hidden, and the text without them.

use std::borrow::Cow;
use std::ops::Range;

use super::MASK;
use super::bytes::{run_back_of, set};
use super::quoted::Quote;

/// What the scanners found, in any order and overlapping as they like.
#[derive(Debug, Default)]
pub(super) struct Spans {
    found: Vec<Span>,
}

#[derive(Clone, Copy, Debug)]
struct Span {
    start: usize,
    end: usize,
    /// Put around the mask, so that JSON stays JSON where a number or a list goes.
    quote: Option<Quote>,
}

impl Spans {
    pub(super) fn hide(&mut self, range: Range<usize>) {
        self.push(range, None);
    }

    pub(super) fn hide_in_quotes(&mut self, range: Range<usize>, quote: Quote) {
        self.push(range, Some(quote));
    }

    fn push(&mut self, range: Range<usize>, quote: Option<Quote>) {
        if range.start < range.end {
            self.found.push(Span {
                start: range.start,
                end: range.end,
                quote,
            });
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    pub(super) fn ranges(&self) -> impl Iterator<Item = Range<usize>> {
        self.found.iter().map(|span| span.start..span.end)
    }

    pub(super) fn apply(mut self, text: &str) -> Cow<'_, str> {
        if self.found.is_empty() {
            return Cow::Borrowed(text);
        }
        // Every scanner goes from left to right, so the list is a few sorted runs, which the stable sort merges in
        // linear time.
        self.found.sort_by_key(|span| span.start);
        let mut merged: Vec<Span> = Vec::with_capacity(self.found.len());
        for span in self.found {
            let span = on_characters(text, span);
            match merged.last_mut() {
                Some(last) if span.start <= last.end => {
                    // The outer one knows whether quotes are needed.
                    if span.end > last.end {
                        last.end = span.end;
                        last.quote = last.quote.or(span.quote.filter(|_| span.start == last.start));
                    }
                }
                _ => merged.push(span),
            }
        }
        merged.retain(|span| text.get(span.start..span.end) != Some(MASK));
        if merged.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut shown = String::with_capacity(text.len());
        let mut done = 0;
        for span in merged {
            shown.push_str(text.get(done..span.start).unwrap_or_default());
            match span.quote {
                Some(quote) => {
                    quote.write(&mut shown);
                    shown.push_str(MASK);
                    quote.write(&mut shown);
                }
                None => shown.push_str(MASK),
            }
            done = span.end;
        }
        shown.push_str(text.get(done..).unwrap_or_default());
        Cow::Owned(shown)
    }
}

/// Moved to the bounds of whole characters and of escapes: the scanners look at bytes, and a JSON text must stay one.
fn on_characters(text: &str, mut span: Span) -> Span {
    span.end = span.end.min(text.len());
    let bytes = text.as_bytes();
    if is_escaped(bytes, span.start) {
        span.start -= 1;
    }
    if span.end > span.start + 1 && is_escaped(bytes, span.end) {
        span.end -= 1;
    }
    while !text.is_char_boundary(span.start) {
        span.start -= 1;
    }
    while !text.is_char_boundary(span.end) {
        span.end += 1;
    }
    span
}

/// More backslashes than that are nobody's escape.
const MOST_BACKSLASHES: usize = 64;

/// Whether the byte at a place stands behind a backslash that isn't one itself.
fn is_escaped(bytes: &[u8], place: usize) -> bool {
    let floor = place.saturating_sub(MOST_BACKSLASHES);
    let start = run_back_of(bytes, floor, place, set!(|byte| byte == b'\\'));
    (place - start) % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(text: &str, ranges: &[Range<usize>]) -> String {
        let mut spans = Spans::default();
        for range in ranges {
            spans.hide(range.clone());
        }
        spans.apply(text).into_owned()
    }

    #[test]
    fn overlapping_finds_become_one_mask() {
        assert_eq!(hidden("abcdefgh", &[4..6, 2..5, 5..7]), "ab********h");
        assert_eq!(hidden("abcdefgh", &[0..2, 2..4]), "********efgh");
        assert_eq!(hidden("abcdefgh", &[]), "abcdefgh");
    }

    #[test]
    fn what_is_masked_already_stays() {
        let text = "a ******** b";
        assert!(matches!(
            {
                let mut spans = Spans::default();
                spans.hide(2..10);
                spans.apply(text)
            },
            Cow::Borrowed(_)
        ));
    }

    #[test]
    fn a_character_is_hidden_whole() {
        assert_eq!(hidden("aéb", std::slice::from_ref(&(2..3))), "a********b");
    }
}
