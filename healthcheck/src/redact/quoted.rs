//! Quotes at any depth of escaping: `"x"`, `\"x\"` inside a JSON string, `\\\"x\\\"` inside that one's string.

use super::bytes::{QUOTE, SPACE, at, before, is, run, run_of, set};

/// A quotation mark with the backslashes before it: 0, 1, 3, 7 … for text escaped 0, 1, 2, 3 … times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quote {
    mark: u8,
    backslashes: usize,
}

/// More than four times escaped is nobody's JSON any more, and would make searches long.
const DEEPEST: usize = 15;

impl Quote {
    /// The quote that stands at `start`, and where what it quotes begins.
    pub(super) fn opening(bytes: &[u8], start: usize) -> Option<(Self, usize)> {
        let mark_at = match at(bytes, start) {
            b'\\' => run_of(bytes, start, set!(|byte| byte == b'\\')),
            _ => start,
        };
        let backslashes = mark_at - start;
        let mark = at(bytes, mark_at);
        (is(mark, QUOTE) && backslashes <= DEEPEST).then_some((Self { mark, backslashes }, mark_at + 1))
    }

    /// The same where a value is expected: a quote before a comma or a closing bracket ends the text around it.
    pub(super) fn of_value(bytes: &[u8], start: usize) -> Option<(Self, usize)> {
        let (quote, inside) = Self::opening(bytes, start)?;
        let next = run(bytes, inside, SPACE);
        (!matches!(at(bytes, next), b',' | b']' | b'}' | b':' | 0)).then_some((quote, inside))
    }

    /// The quote whose mark is the last byte before `end`, and where it begins.
    pub(super) fn ending(bytes: &[u8], end: usize) -> Option<(Self, usize)> {
        let mark = before(bytes, end);
        if !is(mark, QUOTE) {
            return None;
        }
        let start = start_of(bytes, end - 1, DEEPEST + 1);
        let backslashes = end - 1 - start;
        (backslashes <= DEEPEST).then_some((Self { mark, backslashes }, start))
    }

    pub(super) fn len(self) -> usize {
        self.backslashes + 1
    }

    pub(super) fn write(self, text: &mut String) {
        text.extend(std::iter::repeat_n('\\', self.backslashes));
        text.push(char::from(self.mark));
    }

    /// Whether a mark with so many backslashes before it closes what this one opened.
    fn closed_by(self, backslashes: usize) -> bool {
        // A quote of the text around this one ends it too; escaped backslashes before the mark come in pairs.
        backslashes < self.backslashes
            || (backslashes - self.backslashes).is_multiple_of(2 * (self.backslashes + 1))
    }
}

/// Finds closing quotes; remembers where there was none, so that a text full of open quotes is read once.
#[derive(Debug, Default)]
pub(super) struct Closings {
    /// By mark and depth; empty while every quote had its end.
    none_from: Vec<[usize; DEEPEST + 1]>,
}

impl Closings {
    /// Where the text that `quote` opened before `from` ends, without the closing quote.
    pub(super) fn closing(&mut self, bytes: &[u8], from: usize, quote: Quote) -> Option<usize> {
        let marks = match quote.mark {
            b'"' => 0,
            b'\'' => 1,
            _ => 2,
        };
        let none_from = self
            .none_from
            .get(marks)
            .and_then(|depths| depths.get(quote.backslashes));
        if none_from.is_some_and(|none_from| from >= *none_from) {
            return None;
        }
        let mut searched = from;
        while let Some(found) = memchr::memchr(quote.mark, bytes.get(searched..)?) {
            let mark_at = searched + found;
            let start = start_of(bytes, mark_at, mark_at - from);
            let backslashes = mark_at - start;
            if quote.closed_by(backslashes) {
                let doubled = backslashes == 0 && at(bytes, mark_at + 1) == quote.mark && mark_at > from;
                if !doubled {
                    return Some(mark_at - backslashes.min(quote.backslashes));
                }
                // SQL, libpq, YAML and ADO write a quote twice to mean one.
                searched = mark_at + 2;
                continue;
            }
            searched = mark_at + 1;
        }
        self.none_from.resize(3, [usize::MAX; DEEPEST + 1]);
        *self.none_from.get_mut(marks)?.get_mut(quote.backslashes)? = from;
        None
    }
}

/// Where the backslashes before `mark_at` begin, at most `limit` of them.
fn start_of(bytes: &[u8], mark_at: usize, limit: usize) -> usize {
    let mut start = mark_at;
    while mark_at - start < limit && before(bytes, start) == b'\\' {
        start -= 1;
    }
    start
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// What the first quote of a text quotes.
    fn quoted(text: &str) -> Option<&str> {
        let bytes = text.as_bytes();
        let (quote, from) = Quote::opening(bytes, 0).unwrap();
        Closings::default()
            .closing(bytes, from, quote)
            .map(|end| &text[from..end])
    }

    #[test]
    fn quotes_close_at_their_own_depth() {
        for (text, expected) in [
            (r#""a b" c"#, Some("a b")),
            (r#""a \" b" c"#, Some(r#"a \" b"#)),
            (r#""a\\" b"#, Some(r"a\\")),
            (r#"\"a\" b"#, Some("a")),
            (r#"\"a \\\" b\" c"#, Some(r#"a \\\" b"#)),
            (r#"\\\"a\\\" b"#, Some("a")),
            (r#"\"a" b\""#, Some("a")),
            ("'it''s' b", Some("it''s")),
            ("'' b", Some("")),
            (r#""a b"#, None),
        ] {
            assert_eq!(quoted(text), expected, "{text}");
        }
    }

    #[test]
    fn a_quote_that_never_closes_is_searched_once() {
        let text = "\"x ".to_owned() + &"y ".repeat(10);
        let bytes = text.as_bytes();
        let (quote, from) = Quote::opening(bytes, 0).unwrap();
        let mut closings = Closings::default();
        assert_eq!(closings.closing(bytes, from, quote), None);
        assert_eq!(closings.closing(bytes, from + 3, quote), None);
        assert_eq!(Quote::opening(bytes, 1), None);
    }
}
