//! Classes of bytes, such as digits and letters, and helpers to search in bytes and texts. One table look-up tests
//! whether a byte belongs to a class.

macro_rules! classes {
    ($($(#[$doc:meta])* $name:ident = $bit:literal: $byte:ident => $holds:expr;)*) => {
        $($(#[$doc])* pub(super) const $name: u32 = 1 << $bit;)*

        static CLASSES: [u32; 256] = {
            let mut classes = [0; 256];
            let mut index = 0;
            while index < 256 {
                $(let $byte = index as u8;
                if $holds {
                    classes[index] |= $name;
                })*
                index += 1;
            }
            classes
        };
    };
}

classes! {
    SPACE = 0: byte => among(byte, b" \t\n\r");
    BLANK = 1: byte => among(byte, b" \t");
    QUOTE = 2: byte => among(byte, b"\"'`");
    ALNUM = 3: byte => byte.is_ascii_alphanumeric();
    DIGIT = 4: byte => byte.is_ascii_digit();
    UPPER = 5: byte => byte.is_ascii_uppercase();
    LOWER = 6: byte => byte.is_ascii_lowercase();
    BACKSLASH = 7: byte => byte == b'\\';
    /// A byte of a non-ASCII character. In a name, such a byte counts as a letter.
    WIDE = 8: byte => byte >= 0x80;
    WORD = 9: byte => byte.is_ascii_alphanumeric() || among(byte, b"_-");
    /// The characters in the names of variables, keys and headers.
    NAME = 10: byte => byte.is_ascii_alphanumeric() || byte >= 0x80 || among(byte, b"_-.$");
    BASE64 = 11: byte => byte.is_ascii_alphanumeric() || among(byte, b"+/_-");
    HOST = 12: byte => byte.is_ascii_alphanumeric() || among(byte, b".-");
    /// The classes `HEX`, `CAPITAL` and `TOKEN` contain the characters of certain tokens. Most other tokens consist of
    /// characters of the class `WORD` or `ALNUM`.
    HEX = 20: byte => byte.is_ascii_hexdigit();
    CAPITAL = 21: byte => byte.is_ascii_uppercase() || byte.is_ascii_digit();
    TOKEN = 22: byte => byte.is_ascii_alphanumeric() || among(byte, b"_-.=+/~%");
    /// The characters of password hashes.
    HASH = 23: byte => byte.is_ascii_alphanumeric() || among(byte, b"_-.=+/~%$,:");
    /// The characters in the prefix of a token, such as `sk_live`.
    PREFIX = 13: byte => byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    /// The first letters of `key`, `pass` and `token`. A name that contains one of these fragments is the name of a
    /// secret.
    FRAGMENT = 14: byte => among(byte, b"kptKPT");
    /// The characters that may precede `user:password@host`.
    OPENS_USER = 15: byte => among(byte, b" \t\n\r\"'`<>([{,;@");
    ENDS_BARE_VALUE = 16: byte => among(byte, b" \t\n\r\"'<`&;|,");
    ENDS_PARAMETER = 17: byte => among(byte, b" \t\n\r&\"'#<>)|?`\\");
    ENDS_ADDRESS = 18: byte => among(byte, b" \t\n\r\"'`<>|\\");
    ENDS_HOST = 19: byte => among(byte, b"/?#");
}

const fn among(byte: u8, set: &[u8]) -> bool {
    let mut index = 0;
    while index < set.len() {
        if set[index] == byte {
            return true;
        }
        index += 1;
    }
    false
}

/// Returns all classes of a byte, one bit for each class.
#[inline]
pub(super) fn classes(byte: u8) -> u32 {
    CLASSES[usize::from(byte)]
}

#[inline]
pub(super) fn is(byte: u8, class: u32) -> bool {
    classes(byte) & class != 0
}

/// Returns the byte at a position, or 0 past the end.
#[inline]
pub(super) fn at(bytes: &[u8], place: usize) -> u8 {
    bytes.get(place).copied().unwrap_or(0)
}

/// Returns the byte before a position, or 0 at the beginning.
#[inline]
pub(super) fn before(bytes: &[u8], place: usize) -> u8 {
    at(bytes, place.wrapping_sub(1))
}

/// Returns the position of the first byte at or after `from` that isn't of the class, or the end of `bytes`.
#[inline(never)]
pub(super) fn run(bytes: &[u8], from: usize, class: u32) -> usize {
    let mut place = from;
    while place < bytes.len() && is(bytes[place], class) {
        place += 1;
    }
    place
}

/// Returns the position of the first byte at or after `from` that is of the class, or the end of `bytes`.
#[inline(never)]
pub(super) fn until(bytes: &[u8], from: usize, class: u32) -> usize {
    let mut place = from;
    while place < bytes.len() && !is(bytes[place], class) {
        place += 1;
    }
    place
}

/// Goes back from `to` as long as the bytes are of the class, at most `most` bytes. Returns the position of the first
/// of these bytes, or `to` if there are none.
#[inline(never)]
pub(super) fn run_back(bytes: &[u8], to: usize, most: usize, class: u32) -> usize {
    let floor = to.saturating_sub(most);
    let mut place = to.min(bytes.len());
    while place > floor && is(bytes[place - 1], class) {
        place -= 1;
    }
    place
}

/// Goes back from `to` until a byte is of the class, at most `most` bytes. Returns the position after this byte.
#[inline(never)]
pub(super) fn until_back(bytes: &[u8], to: usize, most: usize, class: u32) -> usize {
    let floor = to.saturating_sub(most);
    let mut place = to.min(bytes.len());
    while place > floor && !is(bytes[place - 1], class) {
        place -= 1;
    }
    place
}

/// Returns the end of the line that contains `from`, but at most `from + most`.
///
/// The scanner looks ahead at every name. If each look-ahead could read to the end of the text, the scan would take
/// quadratic time.
#[inline(never)]
pub(super) fn line_end_within(bytes: &[u8], from: usize, most: usize) -> usize {
    let to = bytes.len().min(from.saturating_add(most));
    let line = bytes.get(from..to).unwrap_or_default();
    memchr::memchr(b'\n', line).map_or(to, |found| from + found)
}

/// Returns the position of the first occurrence of `part` in `bytes`, ignoring ASCII case.
#[inline(never)]
pub(super) fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    let first = *part.first()?;
    let mut firsts = memchr::memchr2_iter(first.to_ascii_lowercase(), first.to_ascii_uppercase(), bytes);
    firsts.find(|place| begins(&bytes[*place..], part))
}

/// At most this many backslashes before a quote are counted. JSON that is nested seven levels deep in JSON strings has
/// only 127 backslashes before a quote.
pub(super) const MOST_BACKSLASHES: usize = 250;

/// Counts the backslashes directly before a position.
pub(super) fn backslashes_before(bytes: &[u8], place: usize) -> usize {
    place - run_back(bytes, place, MOST_BACKSLASHES, BACKSLASH)
}

/// Returns whether a text contains at least one byte of `set`. The set must be ASCII.
pub(super) fn has(text: &str, set: &[u8]) -> bool {
    text.bytes().any(|byte| set.contains(&byte))
}

/// Returns whether a text contains a URL, recognised by `://`.
pub(super) fn has_address(text: &str) -> bool {
    find(text.as_bytes(), b"://").is_some()
}

fn is_among(character: char, set: &[u8]) -> bool {
    u8::try_from(character).is_ok_and(|byte| set.contains(&byte))
}

/// Removes all characters of the set `start` from the beginning of a text, and all characters of the set `end` from its
/// end. Both sets must be ASCII.
#[inline(never)]
pub(super) fn trimmed<'t>(text: &'t str, start: &[u8], end: &[u8]) -> &'t str {
    let bytes = text.as_bytes();
    let from = bytes
        .iter()
        .position(|byte| !start.contains(byte))
        .unwrap_or(bytes.len());
    let to = bytes
        .iter()
        .rposition(|byte| !end.contains(byte))
        .map_or(from, |last| last + 1);
    text.get(from..to.max(from)).unwrap_or_default()
}

/// Splits a text at the first occurrence of an ASCII byte. Returns the text before this byte and the text after it.
pub(super) fn split_at(text: &str, byte: u8) -> Option<(&str, &str)> {
    let place = memchr::memchr(byte, text.as_bytes())?;
    Some((&text[..place], &text[place + 1..]))
}

/// Returns whether the bytes begin with `word`, ignoring ASCII case.
pub(super) fn begins(bytes: &[u8], word: &[u8]) -> bool {
    bytes
        .get(..word.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(word))
}

/// Returns whether the bytes end with `word`, ignoring ASCII case.
pub(super) fn ends(bytes: &[u8], word: &[u8]) -> bool {
    bytes.len() >= word.len() && begins(&bytes[bytes.len() - word.len()..], word)
}

/// Returns whether the first byte of a text is in `set`.
pub(super) fn starts(text: &str, set: &[u8]) -> bool {
    text.bytes().next().is_some_and(|first| set.contains(&first))
}

/// Returns whether every byte of a text is of the class or in the set `others`.
pub(super) fn all(text: &str, class: u32, others: &[u8]) -> bool {
    text.bytes().all(|byte| is(byte, class) || others.contains(&byte))
}

/// Splits a text at every character of `set`. The set must be ASCII.
pub(super) fn parts<'t>(text: &'t str, set: &'static [u8]) -> impl Iterator<Item = &'t str> {
    text.split(|character| is_among(character, set))
}

/// Returns the text after the last character of `set`. The set must be ASCII.
pub(super) fn last_part<'t>(text: &'t str, set: &'static [u8]) -> &'t str {
    text.rsplit(|character| is_among(character, set))
        .next()
        .unwrap_or_default()
}

/// Returns the first `length` bytes, or all bytes if there are fewer.
pub(super) fn first(bytes: &[u8], length: usize) -> &[u8] {
    &bytes[..bytes.len().min(length)]
}

/// Returns the longest segment of a path.
pub(super) fn longest_part(path: &str) -> &str {
    parts(path, b"/")
        .max_by_key(|part| part.len())
        .unwrap_or_default()
}

/// Skips the `=` signs at `end`, which pad base64. Returns the position after them.
pub(super) fn behind_padding(bytes: &[u8], end: usize) -> usize {
    end + bytes[end..].iter().take_while(|byte| **byte == b'=').count()
}

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

/// Decodes one to four characters of base64. Of the three returned bytes, only the first `group.len() - 1` are decoded
/// data.
pub(super) fn decode_group(group: &[u8]) -> Option<[u8; 3]> {
    let mut bits = 0;
    for byte in group {
        bits = bits << 6 | sextet(*byte)?;
    }
    let [_, first, second, third] = (bits << (6 * (4 - group.len()))).to_be_bytes();
    Some([first, second, third])
}

pub(super) fn decode_base64(base64: &[u8]) -> Option<String> {
    let mut bytes = Vec::with_capacity(base64.len() / 4 * 3 + 2);
    for group in base64.chunks(4) {
        bytes.extend_from_slice(decode_group(group)?.get(..group.len().saturating_sub(1))?);
    }
    String::from_utf8(bytes).ok()
}
