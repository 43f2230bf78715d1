//! The name before a separator, and what stands before that name.

use super::bytes::{ALNUM, NAME, at, before, is, run_back, run_back_of, set};
use super::quoted::Quote;

/// How the name is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `password: …`, `password=…`
    Plain,
    /// `"password": …`, `'password' => …`
    Quoted(Quote),
    /// `config["password"] = …`, `env[PASSWORD]=…`
    Indexed,
}

/// Where the name stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lead {
    /// First on its line, perhaps after a bullet.
    Line,
    /// After a bracket, a comma, a quote: one field of several.
    Field,
    /// After another word and a space.
    Prose,
    /// Straight after something else: part of a path, an image, a larger word.
    Glued,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Label {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) form: Form,
    /// Whether space stands between the name and its separator.
    pub(super) gap: bool,
}

const LONGEST: usize = 128;
const WIDEST_GAP: usize = 8;

impl Label {
    /// The name that ends at `separator`; what stands before `floor` belongs to another value.
    pub(super) fn before(bytes: &[u8], floor: usize, separator: usize) -> Option<Self> {
        let floor = floor.max(separator.saturating_sub(LONGEST + WIDEST_GAP));
        let spaces = floor.max(separator.saturating_sub(WIDEST_GAP));
        let end = run_back_of(
            bytes,
            spaces,
            separator,
            set!(|byte| matches!(byte, b' ' | b'\t')),
        );
        let gap = end < separator;
        let last = before(bytes, end);
        if let Some((quote, inside_end)) = Quote::ending(bytes, end) {
            let start = quoted_start(bytes, floor, inside_end, last)?;
            return Some(Self {
                start,
                end: inside_end,
                form: Form::Quoted(quote),
                gap,
            });
        }
        if last == b']' {
            return indexed(bytes, floor, end - 1, gap);
        }
        let (start, end) = plain(bytes, floor, end)?;
        Some(Self {
            start,
            end,
            form: Form::Plain,
            gap,
        })
    }

    pub(super) fn name<'t>(&self, text: &'t str) -> &'t str {
        text.get(self.start..self.end).unwrap_or_default()
    }

    pub(super) fn lead(&self, bytes: &[u8], floor: usize) -> Lead {
        let floor = floor.max(self.start.saturating_sub(LONGEST));
        let end = run_back_of(
            bytes,
            floor,
            self.start,
            set!(|byte| matches!(byte, b' ' | b'\t')),
        );
        match before(bytes, end) {
            0 | b'\n' | b'\r' => Lead::Line,
            b'n' | b'r' if at(bytes, end.wrapping_sub(2)) == b'\\' => Lead::Line,
            b'-' | b'*' | b'#' if end < self.start => Lead::Line,
            // `/password:x`, as on Windows.
            b'/' if end == self.start && matches!(before(bytes, end - 1), 0 | b' ' | b'"' | b'\'') => {
                Lead::Field
            }
            b'{' | b'[' | b'(' | b',' | b';' | b'|' | b'>' | b'&' | b'?' | b'"' | b'\'' | b'`' => Lead::Field,
            _ if end < self.start => Lead::Prose,
            _ => Lead::Glued,
        }
    }

    /// Whether the name is one that no sentence has: `api_key`, `X-Api-Key`, `authToken`.
    pub(super) fn is_compound(&self, bytes: &[u8]) -> bool {
        let name = bytes.get(self.start..self.end).unwrap_or_default();
        let mut previous = b'A';
        name.iter().any(|byte| {
            let inner_capital = byte.is_ascii_uppercase() && previous.is_ascii_lowercase();
            previous = *byte;
            inner_capital || matches!(byte, b'_' | b'-' | b'.' | b'$')
        })
    }
}

fn quoted_start(bytes: &[u8], floor: usize, inside_end: usize, mark: u8) -> Option<usize> {
    let start = run_back(bytes, floor, inside_end, |byte| byte != mark && byte != b'\n');
    (start < inside_end && before(bytes, start) == mark).then_some(start)
}

fn indexed(bytes: &[u8], floor: usize, closing: usize, gap: bool) -> Option<Label> {
    let mut start = run_back_of(bytes, floor, closing, set!(|byte| byte != b'[' && byte != b'\n'));
    if before(bytes, start) != b'[' {
        return None;
    }
    let opening = start - 1;
    let mut end = closing;
    if let Some((_, inside)) = Quote::opening(bytes, start) {
        start = inside;
        end = Quote::ending(bytes, end).map_or(end, |(_, inside_end)| inside_end);
    }
    let inside = bytes.get(start..end).unwrap_or_default();
    if inside.iter().all(u8::is_ascii_digit) {
        // `password[0]=`: the list is what the name stands before.
        let (start, end) = plain(bytes, floor, opening)?;
        return Some(Label {
            start,
            end,
            form: Form::Plain,
            gap,
        });
    }
    Some(Label {
        start,
        end,
        form: Form::Indexed,
        gap,
    })
}

fn plain(bytes: &[u8], floor: usize, end: usize) -> Option<(usize, usize)> {
    let mut start = run_back_of(bytes, floor, end, set!(|byte| is(byte, NAME)));
    if before(bytes, start) == b'\\' && matches!(at(bytes, start), b'n' | b'r' | b't') {
        // The letter belongs to an escaped line feed before the name.
        start += 1;
    }
    if let Some(rule) = bytes
        .get(start..end)
        .filter(|name| name.contains(&b'-'))
        .and_then(|name| name.windows(3).rposition(|three| three == b"---"))
    {
        // A rule across the page, or the header of a key.
        start += rule + 3;
    }
    if before(bytes, start) == b'*' && at(bytes, start) == b'.' {
        // `*.key=01;31`, a pattern of file names.
        return None;
    }
    let has_word = bytes
        .get(start..end)
        .unwrap_or_default()
        .iter()
        .any(|byte| is(*byte, ALNUM) || *byte >= 0x80);
    has_word.then_some((start, end))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_name_is_found_however_it_is_written() {
        for (text, separator, name, lead) in [
            ("password=x", '=', "password", Lead::Line),
            ("  - password: x", ':', "password", Lead::Line),
            ("{ host: h, password : x", ':', "host", Lead::Field),
            ("the api_key = x", '=', "api_key", Lead::Prose),
            (r#"{"user password": "x"}"#, ':', "user password", Lead::Field),
            (r#"{\"password\": \"x\"}"#, ':', "password", Lead::Field),
            ("$cfg['password'] = 'x'", '=', "password", Lead::Field),
            ("password[]=x", '=', "password", Lead::Line),
            (r"a\npassword=x", '=', "password", Lead::Line),
            ("?a&sig=x", '=', "sig", Lead::Field),
            ("a/b/token:1", ':', "token", Lead::Glued),
            ("contraseña=x", '=', "contraseña", Lead::Line),
        ] {
            let bytes = text.as_bytes();
            let label = Label::before(bytes, 0, text.find(separator).unwrap()).unwrap();
            assert_eq!((label.name(text), label.lead(bytes, 0)), (name, lead), "{text}");
        }
        assert!(Label::before(b"a ==", 0, 3).is_none());
    }
}
