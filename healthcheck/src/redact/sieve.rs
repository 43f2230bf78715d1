//! A quick no to the question whether a word is in a table: nearly every word of a text is in none.

/// A bit for each length, first, middle and last byte that a word of the table has. A word whose bit is not set is not
/// in the table; one whose bit is set may be.
#[derive(Clone, Copy)]
pub(super) struct Sieve([u64; 64]);

impl Sieve {
    pub(super) const EMPTY: Self = Self([0; 64]);

    pub(super) const fn with(mut self, word: &str) -> Self {
        let (place, bit) = Self::bit(word.as_bytes());
        self.0[place] |= bit;
        self
    }

    pub(super) fn may_have(&self, word: &[u8]) -> bool {
        if word.is_empty() {
            return false;
        }
        let (place, bit) = Self::bit(word);
        self.0.get(place).is_some_and(|bits| bits & bit != 0)
    }

    /// Only of words that aren't empty.
    const fn bit(word: &[u8]) -> (usize, u64) {
        let length = word.len();
        let (first, middle, last) = (
            word[0] as usize,
            word[length / 2] as usize,
            word[length - 1] as usize,
        );
        let mixed = (first * 131 + last * 31 + middle * 7 + length * 577) & 4095;
        (mixed >> 6, 1 << (mixed & 63))
    }
}

/// Two letters that stand beside each other in any case, as letters of an alphabet; nothing else is told apart for sure.
#[derive(Clone, Copy)]
struct Pairs([u32; 32]);

impl Pairs {
    const fn with(mut self, one: u8, other: u8) -> Self {
        let (place, bit) = Self::bit(one, other);
        self.0[place] |= bit;
        self
    }

    const fn may_have(&self, one: u8, other: u8) -> bool {
        let (place, bit) = Self::bit(one, other);
        // Five bits are below 32.
        self.0[place] & bit != 0
    }

    /// Of a letter in either case five bits are the same.
    const fn bit(one: u8, other: u8) -> (usize, u32) {
        ((other & 31) as usize, 1 << (one & 31))
    }
}

/// The last two letters of the words of a table, in any case: asked before a word's beginning is looked for. Two that
/// aren't there end no word of the table; two that are may end one.
#[derive(Clone, Copy)]
pub(super) struct Endings(Pairs);

impl Endings {
    pub(super) const EMPTY: Self = Self(Pairs([0; 32]));

    /// A word of a single letter has no ending.
    pub(super) const fn with(self, word: &str) -> Self {
        match word.as_bytes() {
            [.., last_but_one, last] => Self(self.0.with(*last_but_one, *last)),
            _ => self,
        }
    }

    pub(super) const fn may_have(&self, last_but_one: u8, last: u8) -> bool {
        self.0.may_have(last_but_one, last)
    }
}

/// The first two letters of the words of a table, in any case.
#[derive(Clone, Copy)]
pub(super) struct Beginnings(Pairs);

impl Beginnings {
    pub(super) const EMPTY: Self = Self(Pairs([0; 32]));

    pub(super) const fn with(self, word: &str) -> Self {
        match word.as_bytes() {
            [first, second, ..] => Self(self.0.with(*first, *second)),
            _ => self,
        }
    }

    /// Whether a word of the table may begin somewhere in a text; in most none does.
    pub(super) fn may_be_in(&self, text: &[u8]) -> bool {
        text.windows(2)
            .any(|two| matches!(two, [first, second] if self.0.may_have(*first, *second)))
    }
}

/// All words of tables, or of a column of theirs, put together while compiling, so that they cost nothing at start:
/// `of_table!(Sieve: WORDS, PAIRS.0)`.
macro_rules! of_table {
    ($kind:ident: $($table:ident $(.$column:tt)?),+) => {{
        let mut words = $kind::EMPTY;
        $(
            let mut index = 0;
            while index < $table.len() {
                words = words.with($table[index]$(.$column)?);
                index += 1;
            }
        )+
        words
    }};
}
pub(super) use of_table;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_ending_of_the_table_falls_through() {
        const ENDINGS: Endings = Endings::EMPTY.with("token").with("contraseña");
        assert!(ENDINGS.may_have(b'e', b'n') && ENDINGS.may_have(b'E', b'N'));
        let [.., last_but_one, last] = "contraseña".as_bytes() else {
            panic!("it has two letters");
        };
        assert!(ENDINGS.may_have(*last_but_one, *last) && !ENDINGS.may_have(b'o', b'n'));
    }

    #[test]
    fn a_word_may_begin_anywhere_in_any_case() {
        const BEGINNINGS: Beginnings = Beginnings::EMPTY.with("token").with("пароль");
        for text in ["token", "myTOKEN", "x.To", "мой пароль"] {
            assert!(BEGINNINGS.may_be_in(text.as_bytes()), "{text}");
        }
        assert!(!BEGINNINGS.may_be_in(b"t.o") && !BEGINNINGS.may_be_in(b"t") && !BEGINNINGS.may_be_in(b"ot"));
    }

    #[test]
    fn no_word_of_the_table_falls_through() {
        const WORDS: [&str; 4] = ["a", "token", "пароль", "secret"];
        static SIEVE: Sieve = of_table!(Sieve: WORDS);
        assert!(WORDS.iter().all(|word| SIEVE.may_have(word.as_bytes())));
        assert!(!SIEVE.may_have(b"orange") && !SIEVE.may_have(b""));
    }
}
