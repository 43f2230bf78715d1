//! Decides from a name whether the value of this name is secret.

use super::bytes::*;
use super::values::{is_masked, is_path, is_placeholder, is_setting, is_truth, looks_random};
use super::words::*;

/// py-healthcheck's rule: if a name contains one of these fragments anywhere, ignoring case, the name's value is
/// hidden.
const FRAGMENTS: [&[u8]; 3] = [b"key", b"pass", b"token"];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Family {
    /// For a name such as `ticket`: its value is secret only if it looks like a secret.
    Faint,
    /// For a name such as `DSN`: its value is a connection string, which may contain a secret.
    Carrier,
    /// For a name such as `session`: its value is secret, unless it is clearly a setting.
    Weak,
    /// For a name such as `credentials`: its value is secret, unless it is a boolean, a path or a placeholder.
    Strong,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Shown,
    Of(Family),
    /// The name contains `key`, `pass` or `token`, or a fragment that the application added.
    ///
    /// `telling` is true if the name really names a secret, as in `api_key`. If the name contains the fragment by
    /// accident, as in `KEYBOARD`, `telling` is false. In sentences, the redactor then hides fewer values.
    Fragment {
        telling: bool,
    },
}

impl Verdict {
    pub(super) fn is_telling(self) -> bool {
        matches!(self, Self::Fragment { telling: true } | Self::Of(Family::Strong))
    }

    /// Returns whether a list or an object is hidden as a whole if its name has this verdict.
    pub(super) fn hides_containers(self) -> bool {
        matches!(self, Self::Fragment { .. } | Self::Of(Family::Strong))
    }

    /// Returns whether the text `value` is hidden if it is the whole value of a name with this verdict.
    pub(super) fn hides(self, value: &str) -> bool {
        if is_masked(value) {
            return false;
        }
        match self {
            Self::Shown | Self::Of(Family::Carrier) => false,
            Self::Of(Family::Faint) => {
                all(value, NAME, b"=+~:") && looks_random(value, 8) && !is_setting(value)
            }
            Self::Of(Family::Weak) => !is_setting(value),
            Self::Of(Family::Strong) => !(is_truth(value) || is_path(value) || is_placeholder(value)),
            Self::Fragment { .. } => !is_placeholder(value),
        }
    }
}

/// Judges a name by the built-in rules.
pub(super) fn verdict(name: &str) -> Verdict {
    // The lower case of the Kelvin sign is an ASCII `k`, so a non-ASCII name can contain `key` too.
    if name.is_ascii() {
        verdict_of(name.as_bytes())
    } else {
        verdict_of(name.to_lowercase().as_bytes())
    }
}

fn verdict_of(name: &[u8]) -> Verdict {
    if name.len() < 2 {
        return Verdict::Shown;
    }
    let words = Words::of(name);
    if has_fragment(name) {
        return Verdict::Fragment {
            telling: words.is_telling(),
        };
    }
    words.family().map_or(Verdict::Shown, Verdict::Of)
}

/// Returns the meaning of a pair of words, such as `verification code` or `primary key`. The meaning of the pair may
/// differ from the meanings of the single words.
pub(super) fn meaning_of_two(first: &[u8], second: &[u8]) -> u32 {
    let second = if meaning(second) & PAIRED == 0 {
        second.strip_suffix(b"s").unwrap_or(second)
    } else {
        second
    };
    let mut pair = [b'_'; 32];
    let length = first.len() + 1 + second.len();
    if length > pair.len() {
        return 0;
    }
    pair[..first.len()].copy_from_slice(first);
    pair[first.len() + 1..length].copy_from_slice(second);
    meaning(&pair[..length])
}

/// Returns whether the last word of a name shows that the value isn't secret, as in `mode` and `cookie_name`.
pub(super) fn is_qualifier(name: &str) -> bool {
    let words = Words::of(name.as_bytes());
    match words.count.checked_sub(1).map(|last| words.meanings[last]) {
        Some(last) => last & QUALIFIER != 0 || last & IDENTIFIER != 0 && words.count > 1,
        None => false,
    }
}

fn has_fragment(name: &[u8]) -> bool {
    name.iter().enumerate().any(|(place, byte)| {
        is(*byte, FRAGMENT) && FRAGMENTS.iter().any(|fragment| begins(&name[place..], fragment))
    })
}

/// If a name has more bytes than this, only its last bytes are judged.
const LONGEST: usize = 96;
/// If a name has more words than this, only its last words are judged.
const MOST: usize = 12;

/// The words of a name and their meanings. `dbPassword`, `DB_PASSWORD` and `db.password` have the same two words.
struct Words<'n> {
    name: &'n [u8],
    /// For each word, the positions of its start and its end in `name`. The end excludes the digits at the end of the
    /// word.
    bounds: [(u8, u8); MOST],
    meanings: [u32; MOST],
    count: usize,
}

impl<'n> Words<'n> {
    fn of(name: &'n [u8]) -> Self {
        let name = &name[name.len().saturating_sub(LONGEST)..];
        let mut words = Self {
            name,
            bounds: [(0, 0); MOST],
            meanings: [0; MOST],
            count: 0,
        };
        let (mut start, mut previous) = (0, 0);
        for (place, byte) in name.iter().enumerate() {
            let class = classes(*byte);
            if class & (ALNUM | WIDE) == 0 {
                words.push(start, place);
                start = place + 1;
            } else if class & UPPER != 0
                && (previous & (LOWER | DIGIT) != 0
                    || previous & UPPER != 0 && is(at(name, place + 1), LOWER))
            {
                // A capital starts a new word, as in `dbPassword` and `AWSSecret`.
                words.push(start, place);
                start = place;
            }
            previous = class;
        }
        words.push(start, name.len());
        words
    }

    fn push(&mut self, start: usize, mut end: usize) {
        if start >= end {
            return;
        }
        while end > start && is(self.name[end - 1], DIGIT) {
            end -= 1;
        }
        if self.count == MOST {
            self.bounds.copy_within(1.., 0);
            self.meanings.copy_within(1.., 0);
            self.count -= 1;
        }
        self.bounds[self.count] = (start as u8, end as u8);
        self.meanings[self.count] = meaning_of(&self.name[start..end]);
        self.count += 1;
    }

    fn word(&self, index: usize) -> &[u8] {
        let (start, end) = self.bounds[index];
        &self.name[usize::from(start)..usize::from(end)]
    }

    /// Returns the meaning of the pair of two words: the word at the index `second` and the word before it. Returns 0
    /// if they aren't a known pair.
    fn meaning_of_pair(&self, second: usize) -> u32 {
        if second == 0
            || second >= self.count
            || self.meanings[second - 1] & self.meanings[second] & PAIRED == 0
        {
            return 0;
        }
        meaning_of_two(self.word(second - 1), self.word(second))
    }

    /// Returns the meaning of the last word, or of the word before a final preposition, as in `EXPIRES_IN`.
    fn last(&self) -> u32 {
        match self.meanings[..self.count] {
            [.., second_last, last] if last & PREPOSITION != 0 => second_last,
            [.., last] => last,
            [] => 0,
        }
    }

    /// Returns whether a name that contains `key`, `pass` or `token` really names a secret, as `api_key` does and
    /// `KEYBOARD` doesn't.
    fn is_telling(&self) -> bool {
        let about = self.count > 1 && self.last() & (QUALIFIER | IDENTIFIER) != 0;
        !about
            && (0..self.count).any(|index| {
                let told = self.meanings[index] & (TELLING | STRONG) != 0;
                told && (self.meanings[index] | self.meaning_of_pair(index)) & NOT_TELLING == 0
            })
    }

    fn family(&self) -> Option<Family> {
        let mut found: Option<(Family, usize)> = None;
        for index in 0..self.count {
            if let Some(family) = self.family_at(index)
                && found.is_none_or(|(so_far, _)| family >= so_far)
            {
                found = Some((family, index));
            }
        }
        let (family, place) = found?;
        if place + 1 == self.count {
            return Some(family);
        }
        let last = self.last();
        // After `auth`, `credentials`, `oauth` or `sas`, an identifier isn't secret, as in `AUTH_CLIENT_ID`. After
        // another word, such as `session`, an identifier is secret, as in `SESSION_ID`.
        let is_scheme = |scheme: &&[u8]| self.word(place).eq_ignore_ascii_case(scheme);
        let scheme = [&b"auth"[..], b"credentials", b"oauth", b"sas"]
            .iter()
            .any(is_scheme);
        if family == Family::Faint || last & QUALIFIER != 0 || scheme && last & IDENTIFIER != 0 {
            return None;
        }
        Some(if family == Family::Weak && last & THING != 0 {
            Family::Faint
        } else {
            family
        })
    }

    fn family_at(&self, index: usize) -> Option<Family> {
        let pair = family_among(self.meaning_of_pair(index));
        if pair.is_some() {
            return pair;
        }
        let family = family_among(self.meanings[index])?;
        let innocent = |second| self.meaning_of_pair(second) & NOT_SECRET != 0;
        let next = self.meanings.get(index + 1).filter(|_| index + 1 < self.count);
        let adjective = self.word(index).eq_ignore_ascii_case(b"private")
            && next.is_some_and(|next| next & PRIVATE_THING == 0);
        (!adjective && !innocent(index) && !innocent(index + 1)).then_some(family)
    }
}

fn family_among(meaning: u32) -> Option<Family> {
    match meaning {
        _ if meaning & NOT_SECRET != 0 => None,
        _ if meaning & STRONG != 0 => Some(Family::Strong),
        _ if meaning & WEAK != 0 => Some(Family::Weak),
        _ if meaning & CARRIER != 0 => Some(Family::Carrier),
        _ if meaning & FAINT != 0 => Some(Family::Faint),
        _ => None,
    }
}

/// Returns the meaning of a word in a name.
///
/// If the tables don't contain the word, returns the meaning of its singular. If the tables don't contain the singular,
/// returns the meaning of a part of the word or of its ending.
pub(super) fn meaning_of(word: &[u8]) -> u32 {
    const DECIDED: u32 = STRONG | WEAK | FAINT | CARRIER | NOT_SECRET | TELLING | NOT_TELLING;
    let own = meaning(word);
    if own & DECIDED != 0 || word.len() < 3 {
        return own;
    }
    let singular = match word {
        [singular @ .., b's' | b'S'] => singular,
        _ => word,
    };
    let of_one = if singular.len() < word.len() {
        meaning(singular) & (DECIDED | PAIRED) & !TELLING
    } else {
        0
    };
    if of_one & DECIDED != 0 || word.len() < 4 {
        return own | of_one;
    }
    own | of_one | part_of(word).unwrap_or_else(|| ending_of(word) | ending_of(singular) & !TELLING)
}

fn part_of(word: &[u8]) -> Option<u32> {
    if word.len() < 6 || begins(word, b"secretar") {
        return None;
    }
    for place in 0..word.len() - 5 {
        let rest = &word[place..];
        if matches!(rest[0] | 0x20, b's' | b'c' | b'p') || is(rest[0], WIDE) {
            let part = PARTS.iter().find(|(part, _)| begins(rest, part.as_bytes()));
            if let Some((_, meaning)) = part {
                return Some(*meaning);
            }
        }
    }
    None
}

/// A set of pairs of letters: the last two letters of each word or ending that announces a secret. The last letter is
/// the index in this table. The letter before it is the number of the bit.
///
/// Few other words end with one of these pairs, so this table is a cheap first test.
pub(super) static LAST_TWO: [u32; 32] = {
    let mut bits = [0; 32];
    let mut group = 0;
    while group < WORDS.len() {
        let text = WORDS[group].1.as_bytes();
        let mut end = 2;
        while end <= text.len() && WORDS[group].0 & (TELLING | STRONG | SCHEME) != 0 {
            if end == text.len() || text[end] == b' ' {
                bits[(text[end - 1] & 31) as usize] |= 1 << (text[end - 2] & 31);
                // Add the last two letters of the word's plural too: its last letter and an `s`.
                bits[(b's' & 31) as usize] |= 1 << (text[end - 1] & 31);
            }
            end += 1;
        }
        group += 1;
    }
    let mut index = 0;
    while index < ENDINGS.len() {
        let ending = ENDINGS[index].0.as_bytes();
        bits[(ending[ending.len() - 1] & 31) as usize] |= 1 << (ending[ending.len() - 2] & 31);
        index += 1;
    }
    // Add the last two letters of `by`, because `identified by` announces a secret too.
    bits[(b'y' & 31) as usize] |= 1 << (b'b' & 31);
    bits
};

fn ending_of(word: &[u8]) -> u32 {
    let [.., one, two] = word else { return 0 };
    if LAST_TWO[usize::from(two & 31)] >> (one & 31) & 1 == 0 {
        return 0;
    }
    let fits = |ending: &[u8]| ending.ends_with(&[two | 0x20]) && ends(word, ending);
    let found = ENDINGS.iter().find(|(ending, _)| fits(ending.as_bytes()));
    found.map_or(0, |(_, meaning)| *meaning)
}

#[cfg(test)]
mod tests {
    use super::Family::{Carrier, Faint, Strong, Weak};
    use super::*;

    #[test]
    fn the_fragments_of_py_healthcheck_count_anywhere_in_any_case() {
        for name in [
            "KEYBOARD_LAYOUT",
            "TURKEY",
            "bypass",
            "Compass",
            "tokenizer",
            "x-api-key",
            "dbPassword",
            "PASSED",
            // `\u{212a}` is the Kelvin sign, whose lower case is an ASCII `k`.
            "api_\u{212a}EY",
            "ключ_TOKEN_х",
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
            ("MASTER_KEK", Strong),
            ("activationCode", Strong),
            ("clé_secrète", Strong),
            ("mật khẩu", Strong),
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
    fn only_the_end_of_a_long_name_is_split_into_words() {
        let long = "a_".repeat(5_000);
        assert_eq!(verdict(&format!("{long}secret")), Verdict::Of(Strong));
        assert_eq!(verdict(&format!("{long}name")), Verdict::Shown);
        assert!(matches!(
            verdict(&format!("token{long}")),
            Verdict::Fragment { .. }
        ));
    }
}
