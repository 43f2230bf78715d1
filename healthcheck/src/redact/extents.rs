//! How far the value goes that begins at a place: to its closing quote, its closing bracket, or the end of the word.

use super::bytes::{ALNUM, DIGIT, NAME, SPACE, at, follows, is, line_end, run, run_of, set};
use super::quoted::{Closings, Quote};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Bare,
    /// The extent is what stands between the quotes.
    Quoted(Quote),
    /// The extent includes the brackets.
    Container,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) shape: Shape,
}

/// What separates the settings of the text a value stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Words,
    /// `Server=h;Password=two words, and more;Database=d`
    Semicolons,
}

const MOST_WRAPPERS: usize = 4;
const LONGEST_WRAPPER: usize = 64;

/// The value at `from`, where no space stands any more.
pub(super) fn value_at(bytes: &[u8], from: usize, style: Style, closings: &mut Closings) -> Extent {
    let mut start = from;
    for _ in 0..MOST_WRAPPERS {
        match unwrapped(bytes, start) {
            Some(inside) => start = inside,
            None => break,
        }
    }
    if let Some((quote, inside)) = Quote::of_value(bytes, start) {
        // `"""x"""`, as TOML and Python have it.
        let mark = at(bytes, start);
        let triple = quote.len() == 1 && at(bytes, start + 1) == mark && at(bytes, start + 2) == mark;
        let inside = if triple { start + 3 } else { inside };
        let end = closings
            .closing(bytes, inside, quote)
            .unwrap_or_else(|| line_end(bytes, inside));
        // A doubled quote means one quote elsewhere, so the search ended at the last of the three.
        let end = if triple && end >= inside + 2 && at(bytes, end - 1) == mark && at(bytes, end - 2) == mark {
            end - 2
        } else {
            end
        };
        return Extent {
            start: inside,
            end,
            shape: Shape::Quoted(quote),
        };
    }
    match at(bytes, start) {
        b'{' if at(bytes, start + 1) != b'{' => container(bytes, start, closings),
        b'[' => container(bytes, start, closings),
        _ => {
            let end = match style {
                Style::Words => word_end(bytes, start),
                Style::Semicolons => setting_end(bytes, start),
            };
            Extent {
                start,
                end,
                shape: Shape::Bare,
            }
        }
    }
}

/// Inside of `Some(`, `SecretString(`, `b"`, `&`, or of the braces of `Credentials {`.
fn unwrapped(bytes: &[u8], start: usize) -> Option<usize> {
    if matches!(at(bytes, start), b'&' | b'@' | b'#') && Quote::opening(bytes, start + 1).is_some() {
        return Some(start + 1);
    }
    let limit = bytes.len().min(start + LONGEST_WRAPPER);
    let end = run_of(
        bytes.get(..limit)?,
        start,
        set!(|byte| is(byte, ALNUM) || matches!(byte, b'_' | b':')),
    );
    if end == start {
        return None;
    }
    match at(bytes, end) {
        b'(' => {
            // `string(14) "x"`, as PHP prints it.
            let length = run(bytes, end + 1, DIGIT);
            let value = length + ") ".len();
            let counted = follows(bytes, length, ") ") && Quote::opening(bytes, value).is_some();
            Some(if counted { value } else { end + 1 })
        }
        b'"' | b'\'' if end - start <= 2 && matches!(at(bytes, start), b'b' | b'r' | b'u' | b'f') => {
            Some(end)
        }
        b' ' if at(bytes, end + 1) == b'{' && at(bytes, start).is_ascii_uppercase() => Some(end + 1),
        b'{' if at(bytes, start).is_ascii_uppercase() => Some(end),
        _ => None,
    }
}

/// To the bracket that closes the one at `start`, or to the end of a text that was cut.
fn container(bytes: &[u8], start: usize, closings: &mut Closings) -> Extent {
    let mut depth = 0_usize;
    let mut place = start;
    let mut previous = 0;
    while place < bytes.len() {
        let byte = at(bytes, place);
        match byte {
            b'{' | b'[' | b'(' => depth += 1,
            b'}' | b']' | b')' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Extent {
                        start,
                        end: place + 1,
                        shape: Shape::Container,
                    };
                }
            }
            b'"' | b'\'' | b'\\' => {
                // An apostrophe inside a word opens nothing.
                let opens =
                    byte != b'\'' || matches!(previous, b'{' | b'[' | b'(' | b',' | b':' | b'=' | b' ');
                if opens
                    && let Some((quote, inside)) = Quote::opening(bytes, place)
                    && let Some(end) = closings.closing(bytes, inside, quote)
                {
                    place = end + quote.len();
                    previous = b'"';
                    continue;
                }
            }
            _ => {}
        }
        previous = byte;
        place += 1;
    }
    Extent {
        start,
        end: bytes.len(),
        shape: Shape::Container,
    }
}

/// Where a word without quotes around it ends.
pub(super) fn word_end(bytes: &[u8], start: usize) -> usize {
    let mut place = start;
    if at(bytes, start) == b'<' {
        // `<password>` is one word.
        let inside = run_of(
            bytes,
            start + 1,
            set!(|byte| is(byte, ALNUM) || matches!(byte, b'_' | b'-' | b' ')),
        );
        if at(bytes, inside) == b'>' && inside - start <= LONGEST_WRAPPER {
            return inside + 1;
        }
    }
    while place < bytes.len() {
        let byte = at(bytes, place);
        let ends = match byte {
            // In the middle of a word these are part of it.
            b'"' | b'\'' | b'`' => !is(at(bytes, place + 1), ALNUM),
            b')' | b']' | b'}' | b'>' => place > start && !is(at(bytes, place + 1), ALNUM),
            b'<' => place > start,
            b'&' | b';' => !goes_on(bytes, place + 1),
            b',' => {
                let next = at(bytes, place + 1);
                let name_end = run(bytes, place + 1, NAME);
                is(next, SPACE)
                    || place + 1 == bytes.len()
                    || name_end > place + 1 && matches!(at(bytes, name_end), b'=' | b':' | b'[')
            }
            b'\\' if at(bytes, place + 1) != b' ' => {
                place > start
                    && matches!(
                        at(bytes, place + 1),
                        b'n' | b'r' | b't' | b'"' | b'\'' | b'\\' | b'u'
                    )
            }
            b'\\' if at(bytes, place + 1) == b' ' => {
                // libpq's way to write a space.
                place += 1;
                false
            }
            b'$' if matches!(at(bytes, place + 1), b'{' | b'(') => {
                let inside = run_of(bytes, place + 2, set!(|byte| is(byte, NAME)));
                if matches!(at(bytes, inside), b'}' | b')') {
                    place = inside;
                }
                false
            }
            b'{' if at(bytes, place + 1) == b'{' => {
                let inside = run_of(bytes, place + 2, set!(|byte| is(byte, NAME) || byte == b' '));
                if at(bytes, inside) == b'}' && at(bytes, inside + 1) == b'}' {
                    place = inside + 1;
                }
                false
            }
            _ => is(byte, SPACE),
        };
        if ends {
            return place;
        }
        place += 1;
    }
    bytes.len()
}

/// Whether what follows an ampersand or a semicolon is neither another setting nor an entity.
fn goes_on(bytes: &[u8], start: usize) -> bool {
    let end = run(bytes, start, NAME);
    let entity = at(bytes, end) == b';'
        && matches!(
            bytes.get(start..end),
            Some(b"amp" | b"quot" | b"lt" | b"gt" | b"apos")
        );
    end > start && !entity && !matches!(at(bytes, end), b'=' | b':' | b'[')
}

/// Where a setting of a connection string ends: at its semicolon, or with the text around it.
fn setting_end(bytes: &[u8], start: usize) -> usize {
    let end = run_of(
        bytes,
        start,
        set!(|byte| !matches!(byte, b';' | b'\n' | b'\r' | b'"' | b'`' | b'<' | b'>')),
    );
    // An escaped quote or line feed ends the text around it too.
    match bytes
        .get(start..end)
        .and_then(|value| value.iter().position(|byte| *byte == b'\\'))
    {
        Some(place) if matches!(at(bytes, start + place + 1), b'n' | b'r' | b'"' | b'\\') => start + place,
        _ => end,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_value_ends_where_its_writer_meant() {
        for (text, expected) in [
            ("abc def", "abc"),
            ("abc, def", "abc"),
            ("a,b c", "a,b"),
            ("a,b=c", "a"),
            ("\"\"\"a b\"\"\" c", "a b"),
            ("abc}", "abc"),
            ("abc&d=e", "abc"),
            ("a&b;c)d e", "a&b;c)d"),
            (r"abc\nd", "abc"),
            ("${A} b", "${A}"),
            ("{{ a b }} c", "{{ a b }}"),
            ("<pass word> c", "<pass word>"),
            (r#""a b" c"#, "a b"),
            (r#"Some("a b") c"#, "a b"),
            (r#"Some(Secret("a")) c"#, "a"),
            (r#"b"a" c"#, "a"),
            (
                r#"Credentials { user: "a}", x: [1] } c"#,
                r#"{ user: "a}", x: [1] }"#,
            ),
            (r#"["a", {"b": "]"}] c"#, r#"["a", {"b": "]"}]"#),
            ("{cut off", "{cut off"),
            ("Some(abc) d", "abc"),
            (r#"string(3) "a b" [c]"#, "a b"),
        ] {
            let found = value_at(text.as_bytes(), 0, Style::Words, &mut Closings::default());
            assert_eq!(text.get(found.start..found.end).unwrap(), expected, "{text}");
        }
        let found = value_at(
            b"two words, one;c=d",
            0,
            Style::Semicolons,
            &mut Closings::default(),
        );
        assert_eq!((found.start, found.end), (0, 14));
    }
}
