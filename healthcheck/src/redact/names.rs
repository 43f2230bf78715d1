//! What a name says about the value beside it.

use super::name_tables::{
    ENDINGS, FRAGMENTS, IDENTIFIERS, INNOCENT_PAIRS, NOT_SECRET, NOT_TELLING, PAIRS, PARTS, PRIVATE_THINGS,
    QUALIFIERS, TELLING, TELLING_ENDINGS, THINGS, WORDS,
};

use super::bytes::{ALNUM, at, follows, is};
use super::entropy::looks_random;
use super::settings::{is_masked, is_path, is_placeholder, is_setting, is_truth};
use super::sieve::Sieve;

/// How sure a word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Family {
    /// A secret only if the value looks like one: `SENDGRID_API`, `SESSION_CACHE`.
    Faint,
    /// A connection string stands here: whole it is not secret, but what it holds besides addresses is.
    Carrier,
    /// A secret, unless the value is plainly a setting (`AUTH=ldap`, `SESSION=300`).
    Weak,
    /// A secret, unless the value is a truth value or a path.
    Strong,
}

/// What becomes of the value beside a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Shown,
    Of(Family),
    /// Contains one of the seed's fragments or one of `redact_names`: hidden whatever the value is.
    Fragment {
        /// Whether it speaks of a secret, and not of a keyboard or of tests that passed.
        telling: bool,
    },
}

impl Verdict {
    pub(super) fn is_shown(self) -> bool {
        self == Self::Shown
    }

    /// A secret without looking at the value: what is below such a name goes, whatever its shape.
    pub(super) fn hides_containers(self) -> bool {
        matches!(self, Self::Fragment { .. } | Self::Of(Family::Strong))
    }

    /// Whether a text that is the whole value beside such a name goes.
    pub(super) fn hides_text(self, value: &str) -> bool {
        if is_masked(value) {
            return false;
        }
        match self {
            Self::Shown | Self::Of(Family::Carrier) => false,
            Self::Of(Family::Faint) => !is_setting(value) && looks_random(value, 8),
            Self::Of(Family::Weak) => !is_setting(value),
            Self::Of(Family::Strong) => !(is_truth(value) || is_path(value) || is_placeholder(value)),
            Self::Fragment { .. } => !is_placeholder(value),
        }
    }

    /// Words that mean a secret in prose too.
    pub(super) fn is_telling(self) -> bool {
        matches!(self, Self::Fragment { telling: true } | Self::Of(Family::Strong))
    }
}

/// The built-in verdict.
pub(super) fn verdict(name: &str) -> Verdict {
    let fragment = contains_fragment(name.as_bytes());
    if name.len() < 2 {
        return Verdict::Shown;
    }
    let words = Words::of(name);
    if fragment {
        return Verdict::Fragment {
            telling: words.is_telling(),
        };
    }
    words.family().map_or(Verdict::Shown, Verdict::Of)
}

/// Whether a name by itself says that no secret stands there: `mode`, `cookie_name`.
pub(super) fn is_qualifier(name: &str) -> bool {
    let words = Words::of(name);
    words.count > 0 && {
        let last = without_digits(words.word(words.count - 1));
        QUALIFIERS.binary_search(&last).is_ok() || matches!(last, "id" if words.count > 1)
    }
}

/// Whether the last word is the one that tells, and more than `Key` or `Token` alone: `ApiToken`, `Credentials`.
pub(super) fn ends_in_secret(name: &str) -> bool {
    let words = Words::of(name);
    let last = words.word(words.count.saturating_sub(1));
    let alone = words.count == 1 && matches!(without_digits(last), "key" | "token" | "pass" | "pin" | "jwt");
    let telling = in_telling(without_digits(last)) || family_of(last) == Some(Family::Strong);
    telling && !alone
}

fn contains_fragment(name: &[u8]) -> bool {
    name.iter().enumerate().any(|(start, first)| {
        matches!(first | 0x20, b'k' | b'p' | b't')
            && FRAGMENTS.iter().any(|fragment| follows(name, start, fragment))
    })
}

/// Room for the end of a name that is long enough for every word of the tables.
const ROOM: usize = 96;
const MOST_WORDS: usize = 16;

/// The last words of a name in lower case, without allocating: names are asked for at every `=` of a text.
struct Words {
    lower: [u8; ROOM],
    ends: [(u8, u8); MOST_WORDS],
    count: usize,
}

impl Words {
    fn of(name: &str) -> Self {
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

    fn word(&self, index: usize) -> &str {
        self.ends
            .get(index)
            .filter(|_| index < self.count)
            .and_then(|(start, end)| self.lower.get(usize::from(*start)..usize::from(*end)))
            .and_then(|bytes| std::str::from_utf8(bytes).ok())
            .unwrap_or_default()
    }

    fn family(&self) -> Option<Family> {
        let mut found = None;
        let mut found_at = 0;
        for index in 0..self.count {
            if let Some(family) = self.family_at(index)
                && found.is_none_or(|so_far| family >= so_far)
            {
                found = Some(family);
                found_at = index;
            }
        }
        let family = found?;
        let last = without_digits(self.word(self.count - 1));
        let more = found_at + 1 < self.count;
        if more && (family == Family::Faint || self.is_qualified(found_at, last)) {
            return None;
        }
        let things = more && family == Family::Weak && THINGS.binary_search(&last).is_ok();
        Some(if things { Family::Faint } else { family })
    }

    fn family_at(&self, index: usize) -> Option<Family> {
        let word = self.word(index);
        let previous = index.checked_sub(1).map_or("", |before| self.word(before));
        let next = self.word(index + 1);
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
        if !previous.is_empty()
            && INNOCENT_PAIRS
                .binary_search(&(previous, without_digits(word)))
                .is_ok()
            || !next.is_empty() && INNOCENT_PAIRS.binary_search(&(word, next)).is_ok()
            || without_digits(word) == "private" && !next.is_empty() && !PRIVATE_THINGS.contains(&next)
        {
            return None;
        }
        family_of(word)
    }

    /// Whether the name goes on to say that it is about the secret: `…_FILE`, `…_TIMEOUT`.
    fn is_qualified(&self, family_at: usize, last: &str) -> bool {
        let scheme = matches!(
            without_digits(self.word(family_at)),
            "auth" | "oauth" | "credentials" | "sas"
        );
        QUALIFIERS.binary_search(&last).is_ok() || scheme && IDENTIFIERS.contains(&last)
    }

    fn is_telling(&self) -> bool {
        (0..self.count).any(|index| {
            let word = without_digits(self.word(index));
            in_telling(word)
                || TELLING_ENDINGS.iter().any(|ending| word.ends_with(ending))
                    && NOT_TELLING.binary_search(&word).is_err()
                || family_of(word) == Some(Family::Strong)
        })
    }
}

static FAMILIES: Sieve = {
    let mut sieve = Sieve::EMPTY;
    let mut index = 0;
    while index < WORDS.len() {
        sieve = sieve.with(WORDS[index].0);
        index += 1;
    }
    sieve
};
static EXCEPTIONS: Sieve = Sieve::of(NOT_SECRET);
static SECONDS: Sieve = {
    let mut sieve = Sieve::EMPTY;
    let mut index = 0;
    while index < PAIRS.len() {
        sieve = sieve.with(PAIRS[index].1);
        index += 1;
    }
    sieve
};

fn in_telling(word: &str) -> bool {
    static WORDS: Sieve = Sieve::of(TELLING);
    WORDS.may_have(word.as_bytes()) && TELLING.binary_search(&word).is_ok()
}

/// The last letters of [`ENDINGS`].
const ENDS: &[u8] = b"cdehknptvw";

fn family_of(word: &str) -> Option<Family> {
    let plain = without_digits(word);
    if EXCEPTIONS.may_have(plain.as_bytes()) && NOT_SECRET.binary_search(&plain).is_ok() {
        return None;
    }
    let singular = plain.strip_suffix('s').unwrap_or(plain);
    for form in [plain, singular] {
        if FAMILIES.may_have(form.as_bytes())
            && let Ok(found) = WORDS.binary_search_by(|(known, _)| (*known).cmp(form))
        {
            return WORDS.get(found).map(|(_, family)| *family);
        }
    }
    if plain.len() < 4 {
        return None;
    }
    let ascii = plain.is_ascii();
    let parts = PARTS
        .iter()
        .find(|(part, _)| plain.len() >= part.len() && part.is_ascii() == ascii && holds(plain, part));
    let last = |word: &str| word.bytes().next_back().unwrap_or_default();
    let endings = || {
        if !ENDS.contains(&last(plain)) && !ENDS.contains(&last(singular)) {
            return None;
        }
        ENDINGS
            .iter()
            .find(|(ending, _)| plain.ends_with(ending) || singular.ends_with(ending))
    };
    parts.or_else(endings).map(|(_, family)| *family)
}

/// `str::contains` builds a searcher each time, which costs more than a word is worth.
fn holds(word: &str, part: &str) -> bool {
    word.as_bytes()
        .windows(part.len())
        .any(|window| window == part.as_bytes())
}

fn without_digits(word: &str) -> &str {
    let plain = word.trim_end_matches(|character: char| character.is_ascii_digit());
    if plain.is_empty() { word } else { plain }
}

#[cfg(test)]
mod tests {
    use super::super::name_tables;
    use super::Family::{Carrier, Faint, Strong, Weak};
    use super::*;

    #[test]
    fn the_tables_are_sorted_for_binary_search() {
        assert!(name_tables::PAIRS.is_sorted_by(|one, other| (one.0, one.1) < (other.0, other.1)));
        assert!(name_tables::INNOCENT_PAIRS.is_sorted_by(|one, other| one < other));
        assert!(
            ENDINGS
                .iter()
                .all(|(ending, _)| ENDS.contains(&ending.as_bytes()[ending.len() - 1])
                    || ending.ends_with('s'))
        );
        assert!(name_tables::WORDS.is_sorted_by(|(one, _), (other, _)| one < other));
        for table in [
            name_tables::NOT_SECRET,
            name_tables::QUALIFIERS,
            name_tables::THINGS,
            name_tables::TELLING,
            name_tables::NOT_TELLING,
        ] {
            assert!(table.is_sorted_by(|one, other| one < other), "{table:?}");
        }
    }

    #[test]
    fn the_seeds_fragments_count_anywhere_in_any_case() {
        for name in [
            "KEYBOARD_LAYOUT",
            "TURKEY",
            "bypass",
            "Compass",
            "tokenizer",
            "x-api-key",
            "dbPassword",
            "PASSED",
        ] {
            assert!(matches!(verdict(name), Verdict::Fragment { .. }), "{name}");
        }
        for (name, telling) in [
            ("KEYBOARD_LAYOUT", false),
            ("passed", false),
            ("keys", false),
            ("api_key", true),
            ("dbpassword2", true),
        ] {
            assert_eq!(verdict(name), Verdict::Fragment { telling }, "{name}");
        }
    }

    #[test]
    fn words_of_the_families_hide() {
        for (name, family) in [
            ("SECRET", Strong),
            ("SECRET1", Strong),
            ("Secrets__Main", Strong),
            ("clientSecret", Strong),
            ("JWTSecret", Strong),
            ("appsecret", Strong),
            ("MYSQL_PWD", Strong),
            ("dbpwd", Strong),
            ("bindpw", Strong),
            ("GH_PAT", Strong),
            ("X-Csrftoken2-Xsrf", Strong),
            ("DB_CREDS", Strong),
            ("contraseña", Strong),
            ("CONTRASEÑA_DB", Strong),
            ("user.pin", Strong),
            ("SEED_PHRASE", Strong),
            ("SNMP_COMMUNITY", Strong),
            ("VAULT_SECRET_ID", Strong),
            ("REDISCLI_AUTH", Weak),
            ("PHPSESSID", Weak),
            ("session_id", Weak),
            ("Set-Cookie", Weak),
            ("RSA_PRIVATE", Weak),
            ("VAPID_PRIVATE_PEM", Weak),
            ("SENDGRID_API", Faint),
            ("auth.cache", Faint),
            ("SENTRY_DSN", Carrier),
            ("ConnectionStrings__Default", Carrier),
        ] {
            let found = verdict(name);
            let hidden = matches!(found, Verdict::Fragment { telling: true });
            assert!(found == Verdict::Of(family) || hidden, "{name}: {found:?}");
        }
    }

    #[test]
    fn names_that_only_look_alike_show() {
        for name in [
            "AUTHOR",
            "GIT_AUTHOR_NAME",
            "XAUTHORITY",
            "OAUTH_PROVIDER",
            "OAUTH_CLIENT_ID",
            "AUTH_URL",
            "SSH_AUTH_SOCK",
            "DBUS_SESSION_BUS_ADDRESS",
            "DESKTOP_SESSION",
            "XDG_SESSION_ID",
            "SESSION_TIMEOUT",
            "SESSION_COOKIE_NAME",
            "PATH",
            "PATTERN",
            "COMPATIBILITY",
            "MAPPING_FILE",
            "PINNED",
            "SPIN",
            "GPIO_PIN",
            "DESIGN",
            "SIGNAL",
            "ASSIGNED",
            "PRIVATE_IP",
            "PRIVATE_SUBNETS",
            "SALT_MASTER",
            "BASALT",
            "SECRETARY_NAME",
            "SECRETS_DIR",
            "SACRED",
            "CREDIT",
            "a",
            "",
            "HOST",
            "PAGER",
            "DISPATCH",
            "ESPRESSO",
            "RESIDENT",
        ] {
            assert_eq!(verdict(name), Verdict::Shown, "{name}");
        }
    }

    #[test]
    fn only_the_end_of_a_long_name_is_split() {
        let long = "a_".repeat(5_000);
        assert_eq!(verdict(&format!("{long}secret")), Verdict::Of(Strong));
        assert_eq!(verdict(&format!("{long}name")), Verdict::Shown);
        assert!(matches!(
            verdict(&format!("token{long}")),
            Verdict::Fragment { .. }
        ));
    }
}
