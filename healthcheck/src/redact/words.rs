//! The words of a name: `dbPassword`, `DB_PASSWORD` and `db.password` have the same two.

use super::bytes::{ALNUM, at, is, run_back_of, set};

/// So much of the end of a name is read; every word of the tables is shorter.
const LONGEST: usize = 48;
/// A lower-case letter may need more bytes than its capital, hence the margin.
pub(super) const ROOM: usize = 2 * LONGEST;
const MOST_WORDS: usize = 16;

/// The last words of a name in lower case, without allocating: names are asked for at every `=` of a text.
pub(super) struct Words {
    lower: [u8; ROOM],
    ends: [(u8, u8); MOST_WORDS],
    pub(super) count: usize,
}

impl Words {
    pub(super) fn of(name: &str) -> Self {
        let mut words = Self {
            lower: [0; ROOM],
            ends: [(0, 0); MOST_WORDS],
            count: 0,
        };
        let mut from = name.len().saturating_sub(LONGEST);
        while !name.is_char_boundary(from) {
            from += 1;
        }
        words.read(name.get(from..).unwrap_or(name));
        words
    }

    /// Splits at everything that is neither letter nor digit, and before the capitals of `dbPassword` and `APIKey`.
    fn read(&mut self, name: &str) {
        if name.is_ascii() {
            self.read_ascii(name.as_bytes());
            return;
        }
        let mut length = 0;
        let mut start = 0;
        let mut previous = ' ';
        let mut characters = name.chars().peekable();
        while let Some(character) = characters.next() {
            if !character.is_alphanumeric() {
                self.add(start, length);
                start = length;
                previous = ' ';
                continue;
            }
            let begins = character.is_uppercase()
                && (previous.is_lowercase()
                    || previous.is_ascii_digit()
                    || previous.is_uppercase() && characters.peek().is_some_and(|next| next.is_lowercase()));
            if begins {
                self.add(start, length);
                start = length;
            }
            for lower in character.to_lowercase() {
                let mut bytes = [0; 4];
                let bytes = lower.encode_utf8(&mut bytes).as_bytes();
                if let Some(place) = self.lower.get_mut(length..length + bytes.len()) {
                    place.copy_from_slice(bytes);
                    length += bytes.len();
                }
            }
            previous = character;
        }
        self.add(start, length);
    }

    /// The same for the names that nearly all are: each letter stays in its place.
    fn read_ascii(&mut self, name: &[u8]) {
        // All of the room at once: a length that is known is done in a few steps.
        let Some(room) = self.lower.first_chunk_mut::<LONGEST>() else {
            return;
        };
        let Some(lower) = room.get_mut(..name.len()) else {
            return;
        };
        lower.copy_from_slice(name);
        room.make_ascii_lowercase();
        let mut start = 0;
        for (index, byte) in name.iter().enumerate() {
            if !is(*byte, ALNUM) {
                self.add(start, index);
                start = index + 1;
            } else if byte.is_ascii_uppercase() && index > start {
                let previous = at(name, index - 1);
                if !previous.is_ascii_uppercase() || at(name, index + 1).is_ascii_lowercase() {
                    self.add(start, index);
                    start = index;
                }
            }
        }
        self.add(start, name.len());
    }

    fn add(&mut self, start: usize, end: usize) {
        if start == end {
            return;
        }
        if self.count == MOST_WORDS {
            // The last words decide.
            self.ends.copy_within(1.., 0);
            self.count -= 1;
        }
        if let (Some(place), Ok(start), Ok(end)) = (
            self.ends.get_mut(self.count),
            u8::try_from(start),
            u8::try_from(end),
        ) {
            *place = (start, end);
            self.count += 1;
        }
    }

    /// Nothing where there is none.
    pub(super) fn word(&self, index: usize) -> &[u8] {
        self.ends
            .get(index)
            .filter(|_| index < self.count)
            .and_then(|(start, end)| self.lower.get(usize::from(*start)..usize::from(*end)))
            .unwrap_or_default()
    }
}

/// `secret` of `secret2`; a number stays one.
pub(super) fn without_digits(word: &[u8]) -> &[u8] {
    match run_back_of(word, 0, word.len(), set!(|byte| byte.is_ascii_digit())) {
        0 => word,
        end => word.get(..end).unwrap_or(word),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_where_their_writers_did() {
        for (name, expected) in [
            ("DB_PASSWORD", "db password"),
            ("dbPassword2", "db password2"),
            ("APIKey", "api key"),
            ("Secrets__Main", "secrets main"),
            ("user.pass-word", "user pass word"),
            ("SHA256Sum", "sha256 sum"),
            ("contraseñaBD", "contraseña bd"),
            ("", ""),
        ] {
            let words = Words::of(name);
            let found: Vec<_> = (0..words.count).map(|index| words.word(index)).collect();
            assert_eq!(found.join(&b' '), expected.as_bytes(), "{name}");
        }
        assert_eq!(
            (without_digits(b"secret12"), without_digits(b"12")),
            (b"secret".as_slice(), b"12".as_slice())
        );
    }
}
