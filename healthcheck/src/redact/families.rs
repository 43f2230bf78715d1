//! Which family the words of a name belong to.

use super::bytes::lower_case;
use super::name_tables::{
    ENDINGS, FILLERS, IDENTIFIERS, INNOCENT_PAIRS, NOT_SECRET, NOT_TELLING, PAIRS, PARTS, PRIVATE_THINGS,
    PROVIDERS, QUALIFIERS, TELLING, TELLING_ENDINGS, THINGS, WORDS,
};
use super::names::Family;
use super::sieve::{Endings, Sieve, of_table};
use super::words::{ROOM, Words, without_digits};

impl Words {
    pub(super) fn family(&self) -> Option<Family> {
        let mut found = None;
        let mut found_at = 0;
        let (mut previous, mut word) = ("", self.word(0));
        for index in 0..self.count {
            let next = self.word(index + 1);
            if let Some(family) = family_between(previous, word, next)
                && found.is_none_or(|so_far| family >= so_far)
            {
                found = Some(family);
                found_at = index;
            }
            (previous, word) = (word, next);
        }
        let Some(family) = found else {
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
    pub(super) fn last(&self) -> &str {
        let last = without_digits(self.word(self.count.saturating_sub(1)));
        if self.count > 1
            && matches!(
                last,
                "in" | "at" | "by" | "on" | "after" | "before" | "from" | "to"
            )
        {
            return without_digits(self.word(self.count - 2));
        }
        last
    }

    /// `NEW_RELIC_UPSTREAM`: the name of a service, and nothing that says what of it stands here.
    fn provider(&self) -> Option<Family> {
        let last = without_digits(self.word(self.count.checked_sub(1)?));
        let is_provider = |word: &str| PROVIDERS.binary_search(&word).is_ok();
        let filled = is_in(last, FILLERS, &FILLERS_SIEVE)
            && (0..self.count - 1).any(|index| is_provider(self.word(index)));
        filled.then_some(Family::Faint)
    }

    /// Whether the name goes on to say that it is about the secret: `…_FILE`, `…_TIMEOUT`.
    fn is_qualified(&self, family_at: usize, last: &str) -> bool {
        let scheme = matches!(
            without_digits(self.word(family_at)),
            "auth" | "oauth" | "credentials" | "sas"
        );
        is_in(last, QUALIFIERS, &QUALIFIERS_SIEVE) || scheme && IDENTIFIERS.contains(&last)
    }

    pub(super) fn is_telling(&self) -> bool {
        if self.count > 1 && is_in(self.last(), QUALIFIERS, &QUALIFIERS_SIEVE) {
            // `key_size`, `token_expires_in`
            return false;
        }
        (0..self.count).any(|index| {
            let word = without_digits(self.word(index));
            in_telling(word)
                || TELLING_ENDINGS.iter().any(|ending| word.ends_with(ending))
                    && NOT_TELLING.binary_search(&word).is_err()
                || family_of(word) == Some(Family::Strong)
        })
    }
}

/// The family of a word of a name, between its neighbours.
fn family_between(previous: &str, word: &str, next: &str) -> Option<Family> {
    if word.len() < 2 {
        return None;
    }
    if !previous.is_empty()
        && SECONDS.may_have(word.as_bytes())
        && let Ok(found) =
            PAIRS.binary_search_by(|(first, second, _)| (*first, *second).cmp(&(previous, word)))
    {
        return PAIRS.get(found).map(|(_, _, family)| *family);
    }
    let family = family_of(word)?;
    let plain = without_digits(word);
    let paired = INNOCENT.may_have(plain.as_bytes());
    let innocent = paired && !previous.is_empty() && INNOCENT_PAIRS.binary_search(&(previous, plain)).is_ok()
        || paired && !next.is_empty() && INNOCENT_PAIRS.binary_search(&(word, next)).is_ok()
        || plain == "private" && !next.is_empty() && !PRIVATE_THINGS.contains(&next);
    (!innocent).then_some(family)
}

static FAMILIES: Sieve = of_table!(Sieve: WORDS.0);
static EXCEPTIONS: Sieve = of_table!(Sieve: NOT_SECRET);
static INNOCENT: Sieve = of_table!(Sieve: INNOCENT_PAIRS.0, INNOCENT_PAIRS.1);
static SECONDS: Sieve = of_table!(Sieve: PAIRS.1);

static LAST_LETTERS: Endings = of_table!(Endings: ENDINGS.0);

static FILLERS_SIEVE: Sieve = of_table!(Sieve: FILLERS);
static QUALIFIERS_SIEVE: Sieve = of_table!(Sieve: QUALIFIERS);
static TELLING_SIEVE: Sieve = of_table!(Sieve: TELLING);
static THINGS_SIEVE: Sieve = of_table!(Sieve: THINGS);

fn is_in(word: &str, table: &[&str], sieve: &Sieve) -> bool {
    sieve.may_have(word.as_bytes()) && table.binary_search(&word).is_ok()
}

pub(super) fn in_telling(word: &str) -> bool {
    is_in(word, TELLING, &TELLING_SIEVE)
}

/// Whether one of [`ENDINGS`] may end a word; most words end otherwise.
fn may_end(word: &str) -> bool {
    matches!(word.as_bytes(), [.., last_but_one, last] if LAST_LETTERS.may_have(*last_but_one, *last))
}

/// Whether one of [`PARTS`] begins somewhere in a word; in most none does.
fn may_hold_part(word: &str) -> bool {
    !word.is_ascii()
        || word
            .as_bytes()
            .windows(2)
            .any(|two| matches!(two, b"co" | b"cr" | b"pw" | b"se"))
}

pub(super) fn family_of(word: &str) -> Option<Family> {
    let plain = without_digits(word);
    let singular = plain.strip_suffix('s').unwrap_or(plain);
    let family = whole(plain)
        .or_else(|| {
            if singular.len() < plain.len() {
                whole(singular)
            } else {
                None
            }
        })
        .or_else(|| by_part(plain, singular))?;
    let excepted = EXCEPTIONS.may_have(plain.as_bytes()) && NOT_SECRET.binary_search(&plain).is_ok();
    (!excepted).then_some(family)
}

fn whole(word: &str) -> Option<Family> {
    if !FAMILIES.may_have(word.as_bytes()) {
        return None;
    }
    let found = WORDS.binary_search_by(|(known, _)| (*known).cmp(word)).ok()?;
    WORDS.get(found).map(|(_, family)| *family)
}

/// The family of a word by what it holds or ends in.
fn by_part(plain: &str, singular: &str) -> Option<Family> {
    if plain.len() < 4 {
        return None;
    }
    if may_hold_part(plain) {
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
        .find_map(|form| ENDINGS.iter().find(|(ending, _)| form.ends_with(ending)))
        .map(|(_, family)| *family)
}

/// `str::contains` builds a searcher each time, which costs more than a word is worth.
fn holds(word: &str, part: &str) -> bool {
    word.as_bytes()
        .windows(part.len())
        .any(|window| window.first() == part.as_bytes().first() && window == part.as_bytes())
}

/// Whether a name by itself says that no secret stands there: `mode`, `cookie_name`.
pub(super) fn is_qualifier(name: &str) -> bool {
    let words = Words::of(name);
    words.count > 0 && {
        let last = without_digits(words.word(words.count - 1));
        is_in(last, QUALIFIERS, &QUALIFIERS_SIEVE) || matches!(last, "id" if words.count > 1)
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
    let alone = words.count == 1 && matches!(without_digits(last), "key" | "token" | "pass" | "pin" | "jwt");
    let telling = in_telling(without_digits(last)) || family_of(last) == Some(Family::Strong);
    telling && !alone
}

#[cfg(test)]
mod tests {
    use super::super::name_tables;
    use super::*;

    #[test]
    fn the_tables_are_sorted_for_binary_search() {
        assert!(name_tables::PAIRS.is_sorted_by(|one, other| (one.0, one.1) < (other.0, other.1)));
        assert!(name_tables::INNOCENT_PAIRS.is_sorted_by(|one, other| one < other));
        assert!(PARTS.iter().all(|(part, _)| may_hold_part(part)));
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
