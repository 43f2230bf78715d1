//! Which family the words of a name belong to.

use super::bytes::{in_order, lower_case};
use super::name_tables::{
    ENDINGS, FILLERS, IDENTIFIERS, INNOCENT_PAIRS, NOT_SECRET, NOT_TELLING, PAIRS, PARTS, PRIVATE_THINGS,
    PROVIDERS, QUALIFIERS, TELLING, TELLING_ENDINGS, THINGS, WORDS,
};
use super::names::Family;
use super::sieve::{Beginnings, Endings, Sieve, of_table};
use super::words::{ROOM, Words, without_digits};

impl Words {
    pub(super) fn family(&self) -> Option<Family> {
        let mut found = None;
        for index in 0..self.count {
            if !may_mean(self.word(index)) {
                continue;
            }
            let previous = self.word(index.wrapping_sub(1));
            if let Some(family) = family_between(previous, self.word(index), self.word(index + 1))
                && found.is_none_or(|(so_far, _)| family >= so_far)
            {
                found = Some((family, index));
            }
        }
        let Some((family, found_at)) = found else {
            return self.provider();
        };
        let last = self.last();
        let more = found_at + 1 < self.count;
        if more && (family == Family::Faint || self.is_qualified(found_at, last)) {
            return None;
        }
        let things = more && family == Family::Weak && is_in(last, THINGS, &THINGS_SIEVE);
        Some(if things { Family::Faint } else { family })
    }

    /// The last word, of `EXPIRES_IN` the one before the preposition.
    fn last(&self) -> &[u8] {
        let last = without_digits(self.word(self.count.wrapping_sub(1)));
        if self.count > 1
            && matches!(
                last,
                b"in" | b"at" | b"by" | b"on" | b"after" | b"before" | b"from" | b"to"
            )
        {
            return without_digits(self.word(self.count - 2));
        }
        last
    }

    /// `NEW_RELIC_UPSTREAM`: the name of a service, and nothing that says what of it stands here.
    fn provider(&self) -> Option<Family> {
        let others = self.count.checked_sub(1).filter(|others| *others > 0)?;
        let last = without_digits(self.word(others));
        let filled = is_in(last, FILLERS, &FILLERS_SIEVE)
            && (0..others).any(|index| is_among(self.word(index), PROVIDERS));
        filled.then_some(Family::Faint)
    }

    /// Whether the name goes on to say that it is about the secret: `…_FILE`, `…_TIMEOUT`.
    fn is_qualified(&self, family_at: usize, last: &[u8]) -> bool {
        let scheme = matches!(
            without_digits(self.word(family_at)),
            b"auth" | b"oauth" | b"credentials" | b"sas"
        );
        is_in(last, QUALIFIERS, &QUALIFIERS_SIEVE)
            || scheme && IDENTIFIERS.iter().any(|known| known.as_bytes() == last)
    }

    pub(super) fn is_telling(&self) -> bool {
        if self.count > 1 && is_in(self.last(), QUALIFIERS, &QUALIFIERS_SIEVE) {
            // `key_size`, `token_expires_in`
            return false;
        }
        (0..self.count).any(|index| {
            let word = without_digits(self.word(index));
            in_telling(word)
                || TELLING_ENDINGS
                    .iter()
                    .any(|ending| word.ends_with(ending.as_bytes()))
                    && !is_among(word, NOT_TELLING)
                || family_of(word) == Some(Family::Strong)
        })
    }
}

/// Whether a word may mean a secret at all, by itself or as the second of two; most words mean none.
pub(super) fn may_mean(word: &[u8]) -> bool {
    let plain = without_digits(word);
    MEANING.may_have(plain)
        || plain.len() < word.len() && MEANING.may_have(word)
        || plain
            .strip_suffix(b"s")
            .is_some_and(|singular| MEANING.may_have(singular) || may_end(singular))
        || may_end(plain)
        || BEGINNINGS.may_be_in(plain)
}

/// The family of a word of a name, between its neighbours.
fn family_between(previous: &[u8], word: &[u8], next: &[u8]) -> Option<Family> {
    if word.len() < 2 {
        return None;
    }
    if !previous.is_empty() && SECONDS.may_have(word) {
        let found = PAIRS.binary_search_by(|(first, second, _)| {
            in_order(first, previous).then_with(|| in_order(second, word))
        });
        if let Ok(found) = found {
            return PAIRS.get(found).map(|(_, _, family)| *family);
        }
    }
    let family = family_of(word)?;
    let plain = without_digits(word);
    let innocent = INNOCENT.may_have(plain) && (is_innocent(previous, plain) || is_innocent(word, next))
        || plain == b"private"
            && !next.is_empty()
            && !PRIVATE_THINGS.iter().any(|thing| thing.as_bytes() == next);
    (!innocent).then_some(family)
}

fn is_innocent(first: &[u8], second: &[u8]) -> bool {
    !first.is_empty()
        && !second.is_empty()
        && INNOCENT_PAIRS
            .binary_search_by(|(one, other)| in_order(one, first).then_with(|| in_order(other, second)))
            .is_ok()
}

static MEANING: Sieve = of_table!(Sieve: WORDS.0, PAIRS.1);
static FAMILIES: Sieve = of_table!(Sieve: WORDS.0);
static EXCEPTIONS: Sieve = of_table!(Sieve: NOT_SECRET);
static INNOCENT: Sieve = of_table!(Sieve: INNOCENT_PAIRS.0, INNOCENT_PAIRS.1);
static SECONDS: Sieve = of_table!(Sieve: PAIRS.1);

static BEGINNINGS: Beginnings = of_table!(Beginnings: PARTS.0);
static LAST_LETTERS: Endings = of_table!(Endings: ENDINGS.0);

static FILLERS_SIEVE: Sieve = of_table!(Sieve: FILLERS);
static QUALIFIERS_SIEVE: Sieve = of_table!(Sieve: QUALIFIERS);
static TELLING_SIEVE: Sieve = of_table!(Sieve: TELLING);
static THINGS_SIEVE: Sieve = of_table!(Sieve: THINGS);

fn is_in(word: &[u8], table: &[&str], sieve: &Sieve) -> bool {
    sieve.may_have(word) && is_among(word, table)
}

fn is_among(word: &[u8], table: &[&str]) -> bool {
    table.binary_search_by(|known| in_order(known, word)).is_ok()
}

fn in_telling(word: &[u8]) -> bool {
    is_in(word, TELLING, &TELLING_SIEVE)
}

/// Whether one of [`ENDINGS`] may end a word; most words end otherwise.
fn may_end(word: &[u8]) -> bool {
    matches!(word, [.., last_but_one, last] if LAST_LETTERS.may_have(*last_but_one, *last))
}

fn family_of(word: &[u8]) -> Option<Family> {
    let plain = without_digits(word);
    let singular = plain.strip_suffix(b"s").unwrap_or(plain);
    let family = whole(plain)
        .or_else(|| {
            if singular.len() < plain.len() {
                whole(singular)
            } else {
                None
            }
        })
        .or_else(|| by_part(plain, singular))?;
    (!is_in(plain, NOT_SECRET, &EXCEPTIONS)).then_some(family)
}

fn whole(word: &[u8]) -> Option<Family> {
    if !FAMILIES.may_have(word) {
        return None;
    }
    let found = WORDS.binary_search_by(|(known, _)| in_order(known, word)).ok()?;
    WORDS.get(found).map(|(_, family)| *family)
}

/// The family of a word by what it holds or ends in.
fn by_part(plain: &[u8], singular: &[u8]) -> Option<Family> {
    if plain.len() < 4 {
        return None;
    }
    if BEGINNINGS.may_be_in(plain) {
        if holds(plain, "secretar") {
            return None;
        }
        let part = PARTS
            .iter()
            .find(|(part, _)| plain.len() >= part.len() && holds(plain, part));
        if let Some((_, family)) = part {
            return Some(*family);
        }
    }
    [plain, singular]
        .into_iter()
        .filter(|form| may_end(form))
        .find_map(|form| {
            ENDINGS
                .iter()
                .find(|(ending, _)| form.ends_with(ending.as_bytes()))
        })
        .map(|(_, family)| *family)
}

/// `str::contains` builds a searcher each time, which costs more than a word is worth.
fn holds(word: &[u8], part: &str) -> bool {
    word.windows(part.len())
        .any(|window| window.first() == part.as_bytes().first() && window == part.as_bytes())
}

/// Whether a name by itself says that no secret stands there: `mode`, `cookie_name`.
pub(super) fn is_qualifier(name: &str) -> bool {
    let words = Words::of(name);
    words.count > 0 && {
        let last = without_digits(words.word(words.count - 1));
        is_in(last, QUALIFIERS, &QUALIFIERS_SIEVE) || last == b"id" && words.count > 1
    }
}

/// Whether a word may be the second of two that mean a secret together.
pub(super) fn may_end_pair(word: &str) -> bool {
    lower_case(word.as_bytes(), &mut [0; ROOM]).is_some_and(|lower| SECONDS.may_have(lower))
}

/// Whether the last word is the one that tells, and more than `Key` or `Token` alone: `ApiToken`, `Credentials`.
pub(super) fn ends_in_secret(name: &str) -> bool {
    let words = Words::of(name);
    let last = words.word(words.count.saturating_sub(1));
    let alone = words.count == 1
        && matches!(
            without_digits(last),
            b"key" | b"token" | b"pass" | b"pin" | b"jwt"
        );
    let telling = in_telling(without_digits(last)) || family_of(last) == Some(Family::Strong);
    telling && !alone
}

#[cfg(test)]
mod tests {
    use super::super::name_tables;

    #[test]
    fn the_tables_are_sorted_for_binary_search() {
        assert!(name_tables::PAIRS.is_sorted_by(|one, other| (one.0, one.1) < (other.0, other.1)));
        assert!(name_tables::INNOCENT_PAIRS.is_sorted_by(|one, other| one < other));
        assert!(name_tables::WORDS.is_sorted_by(|(one, _), (other, _)| one < other));
        for table in [
            name_tables::NOT_SECRET,
            name_tables::QUALIFIERS,
            name_tables::THINGS,
            name_tables::TELLING,
            name_tables::NOT_TELLING,
            name_tables::PROVIDERS,
            name_tables::FILLERS,
        ] {
            assert!(table.is_sorted_by(|one, other| one < other), "{table:?}");
        }
    }
}
