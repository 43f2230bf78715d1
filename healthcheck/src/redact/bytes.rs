//! Classes of bytes, each one look-up in a table, and reading that can't leave the text.

use std::cmp::Ordering;

pub(super) const SPACE: u8 = 1;
pub(super) const DIGIT: u8 = 2;
pub(super) const LETTER: u8 = 4;
pub(super) const HEX: u8 = 8;
/// What a variable, a key, a header or a flag is made of; everything beyond ASCII too, so that `contraseña` is one name.
pub(super) const NAME: u8 = 16;
/// Both alphabets of base64, without the padding.
pub(super) const BASE64: u8 = 32;
pub(super) const QUOTE: u8 = 64;
/// Where an address without quotes around it ends, whatever it is an address of.
pub(super) const ADDRESS_END: u8 = 128;

pub(super) const ALNUM: u8 = DIGIT | LETTER;

const CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let byte = index as u8;
        let mut class = 0;
        if matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c | 0) {
            class |= SPACE | ADDRESS_END;
        }
        if byte.is_ascii_digit() {
            class |= DIGIT | HEX | NAME | BASE64;
        }
        if byte.is_ascii_alphabetic() {
            class |= LETTER | NAME | BASE64;
        }
        if byte.is_ascii_hexdigit() {
            class |= HEX;
        }
        if matches!(byte, b'_' | b'-' | b'.' | b'$' | b'%') || byte >= 0x80 {
            class |= NAME;
        }
        if matches!(byte, b'+' | b'/' | b'_' | b'-') {
            class |= BASE64;
        }
        if matches!(byte, b'"' | b'\'' | b'`') {
            class |= QUOTE | ADDRESS_END;
        }
        if matches!(byte, b'<' | b'>' | b'\\' | b')') {
            class |= ADDRESS_END;
        }
        table[index] = class;
        index += 1;
    }
    table
}

/// The byte at a place, NUL (which belongs to no word) where there is none.
#[inline]
pub(super) fn at(bytes: &[u8], index: usize) -> u8 {
    bytes.get(index).copied().unwrap_or(0)
}

/// The byte before a place.
#[inline]
pub(super) fn before(bytes: &[u8], index: usize) -> u8 {
    match index.checked_sub(1) {
        Some(previous) => at(bytes, previous),
        None => 0,
    }
}

#[inline]
pub(super) const fn is(byte: u8, class: u8) -> bool {
    // The table has an entry for every byte, so the index is always in range.
    CLASSES[byte as usize] & class != 0
}

/// Where the run of a class that begins at `start` ends.
#[inline]
pub(super) fn run(bytes: &[u8], start: usize, class: u8) -> usize {
    run_while(bytes, start, |byte| is(byte, class))
}

#[inline]
pub(super) fn run_while(bytes: &[u8], start: usize, wanted: impl Fn(u8) -> bool) -> usize {
    let rest = bytes.get(start..).unwrap_or_default();
    start + rest.iter().position(|byte| !wanted(*byte)).unwrap_or(rest.len())
}

/// Some bytes, put together while compiling: what reads a run of them is compiled once, and not for each closure.
#[derive(Clone, Copy, Debug)]
pub(super) struct Set([u64; 4]);

impl Set {
    pub(super) const EMPTY: Self = Self([0; 4]);

    pub(super) const fn with(mut self, byte: u8) -> Self {
        // Two bits of a byte are below four, here and below.
        self.0[(byte >> 6) as usize] |= 1 << (byte & 63);
        self
    }

    #[inline]
    pub(super) const fn has(&self, byte: u8) -> bool {
        self.0[(byte >> 6) as usize] >> (byte & 63) & 1 == 1
    }
}

/// The bytes for which an expression holds: `set!(|byte| is(byte, SPACE) || byte == b',')`.
macro_rules! set {
    (|$byte:ident| $holds:expr) => {{
        const SET: &$crate::redact::bytes::Set = &{
            let mut set = $crate::redact::bytes::Set::EMPTY;
            let mut index = 0;
            while index < 256 {
                let $byte = index as u8;
                if $holds {
                    set = set.with($byte);
                }
                index += 1;
            }
            set
        };
        SET
    }};
}
pub(super) use set;

/// The places of the bytes of a set, from left to right.
pub(super) fn each_of<'b>(bytes: &'b [u8], set: &'static Set) -> impl Iterator<Item = usize> + use<'b> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let place = next_of(bytes, from, set);
        from = place + 1;
        (place < bytes.len()).then_some(place)
    })
}

/// The first place from `from` on where a byte of a set stands. Apart from those who ask, so that the loop that sees every
/// byte of a text has nothing else to keep.
#[inline(never)]
fn next_of(bytes: &[u8], from: usize, set: &Set) -> usize {
    run_while(bytes, from, |byte| !set.has(byte))
}

/// Where the run of bytes of a set that begins at `start` ends.
#[inline(never)]
pub(super) fn run_of(bytes: &[u8], start: usize, set: &Set) -> usize {
    run_while(bytes, start, |byte| set.has(byte))
}

/// Where the run of bytes of a set that ends at `end` begins; looks back no further than `floor`.
pub(super) fn run_back_of(bytes: &[u8], floor: usize, end: usize, set: &Set) -> usize {
    run_back(bytes, floor, end, |byte| set.has(byte))
}

/// Where the run of a class that ends at `end` begins; looks back no further than `floor`.
#[inline]
pub(super) fn run_back(bytes: &[u8], floor: usize, end: usize, wanted: impl Fn(u8) -> bool) -> usize {
    let mut start = end;
    while start > floor && wanted(before(bytes, start)) {
        start -= 1;
    }
    start
}

/// Whether `bytes` go on with `prefix` at `start`, ASCII letters in any case.
#[inline]
pub(super) fn follows(bytes: &[u8], start: usize, prefix: &str) -> bool {
    bytes
        .get(start..start + prefix.len())
        .is_some_and(|found| found.eq_ignore_ascii_case(prefix.as_bytes()))
}

/// How a word of a sorted table stands to another one. The first letters tell nearly always, and cost less to compare
/// than the whole: that has to wait until a word which was just put together has left the processor's store buffer.
pub(super) fn in_order(known: &str, word: &[u8]) -> Ordering {
    let known = known.as_bytes();
    let letter = |index| known.get(index).cmp(&word.get(index));
    letter(0)
        .then_with(|| letter(1))
        .then_with(|| letter(2))
        .then_with(|| known.cmp(word))
}

/// A word in lower case; `None` where there is no room for it.
pub(super) fn lower_case<'r>(word: &[u8], room: &'r mut [u8]) -> Option<&'r [u8]> {
    let lower = room.get_mut(..word.len())?;
    lower.copy_from_slice(word);
    lower.make_ascii_lowercase();
    Some(lower)
}

/// Where the line that `from` stands in ends: at its line feed or the end of the text.
#[inline]
pub(super) fn line_end(bytes: &[u8], from: usize) -> usize {
    memchr::memchr2(b'\n', b'\r', bytes.get(from..).unwrap_or_default())
        .map_or(bytes.len(), |found| from + found)
}
