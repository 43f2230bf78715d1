//! The words of a name: `dbPassword`, `DB_PASSWORD` and `db.password` have the same two.

use super::bytes::{ALNUM, at, is};

/// Room for the end of a name that is long enough for every word of the tables.
pub(super) const ROOM: usize = 96;
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
        // A lower-case letter may need more bytes than its capital, hence the margin.
        let mut from = name.len().saturating_sub(ROOM / 2);
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

    /// The same for the names that nearly all are.
    fn read_ascii(&mut self, name: &[u8]) {
        let mut length = 0;
        let mut start = 0;
        let mut previous = b' ';
        for (index, byte) in name.iter().enumerate() {
            if !is(*byte, ALNUM) {
                self.add(start, length);
                start = length;
                previous = b' ';
                continue;
            }
            let begins = byte.is_ascii_uppercase()
                && (previous.is_ascii_lowercase()
                    || previous.is_ascii_digit()
                    || previous.is_ascii_uppercase() && at(name, index + 1).is_ascii_lowercase());
            if begins {
                self.add(start, length);
                start = length;
            }
            if let Some(place) = self.lower.get_mut(length) {
                *place = byte.to_ascii_lowercase();
                length += 1;
            }
            previous = *byte;
        }
        self.add(start, length);
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

    pub(super) fn word(&self, index: usize) -> &str {
        self.ends
            .get(index)
            .filter(|_| index < self.count)
            .and_then(|(start, end)| self.lower.get(usize::from(*start)..usize::from(*end)))
            .and_then(|bytes| std::str::from_utf8(bytes).ok())
            .unwrap_or_default()
    }
}

/// `secret` of `secret2`; a number stays one.
pub(super) fn without_digits(word: &str) -> &str {
    let plain = word.trim_end_matches(|character: char| character.is_ascii_digit());
    if plain.is_empty() { word } else { plain }
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
            assert_eq!(found.join(" "), expected, "{name}");
        }
        assert_eq!(
            (without_digits("secret12"), without_digits("12")),
            ("secret", "12")
        );
    }
}
