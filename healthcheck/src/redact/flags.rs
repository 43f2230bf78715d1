//! Flags whose meaning depends on the program: `-p`, `-u`, `-a`.

use super::arguments::{Origin, Reader, hides_next, is_flag};
use super::bytes::{LETTER, at, is};
use super::entropy::looks_random;
use super::names::Verdict;
use super::programs::Takes;
use super::settings::{is_masked, is_path, is_short_number, is_state};

/// First parts of flags that take no value: `--no-password`, `--ask-pass`.
const SWITCHES: &[&str] = &[
    "no-",
    "ask-",
    "prompt-",
    "skip-",
    "disable-",
    "enable-",
    "list-",
    "show-",
    "generate-",
    "require-",
    "print-",
    "rotate-",
];

/// What follows a flag in a sentence about it.
#[rustfmt::skip]
const SENTENCE: &[&str] = &[
    "a", "after", "an", "and", "are", "argument", "as", "be", "before", "can", "cannot", "does", "expects",
    "flag", "for", "from", "has", "if", "in", "instead", "is", "it", "may", "must", "needs", "not", "of",
    "on", "option", "or", "parameter", "requires", "should", "the", "to", "value", "via", "was", "when",
    "which", "will", "with", "without",
];

impl Reader<'_, '_> {
    /// Reads the flag at `index` and what it takes; the next argument to read.
    pub(super) fn flag(&mut self, index: usize) -> usize {
        let word = self.word(index).to_owned();
        // First: what is written together with a flag may hold the sign that ends the name of another, `-pc2VjcmV0Cg==`.
        if self.glued(index, &word) {
            return index + 1;
        }
        let (flag, value) = match word.split_once(['=', ':']) {
            Some((flag, value))
                if word.starts_with('/') || word.as_bytes().get(flag.len()) == Some(&b'=') =>
            {
                (flag, Some(value))
            }
            _ => (word.as_str(), None),
        };
        let combined = self.combined(flag);
        if let Some(takes) = self.takes(combined.as_deref().unwrap_or(flag)) {
            let (at_index, from) = if value.is_some() {
                (index, flag.len() + 1)
            } else {
                (index + 1, 0)
            };
            if at_index < self.words.len() && self.take(at_index, from, takes) {
                return at_index + 1;
            }
        }
        let name = flag.trim_start_matches(['-', '/']);
        let verdict = self.rules.verdict(name);
        if name == "from-literal" {
            return self.literal(index, value.map(|_| flag.len() + 1));
        }
        if let Some(value) = value {
            self.own_value(index, flag.len() + 1, value, verdict);
            return index + 1;
        }
        let next = self.word(index + 1);
        let switch = SWITCHES.iter().any(|switch| name.starts_with(switch)) || name.ends_with("-stdin");
        if verdict.is_shown() || switch || index + 1 >= self.words.len() || !self.follows_as_value(next) {
            return index + 1;
        }
        if !hides_next(verdict, name, next, self.origin) {
            return index + 1;
        }
        self.hide(index + 1, 0..next.len());
        index + 2
    }

    /// `--from-literal=name=x` of kubectl: whatever it is called there, it becomes an entry of a secret.
    fn literal(&mut self, index: usize, own: Option<usize>) -> usize {
        let (place, from) = own.map_or((index + 1, 0), |from| (index, from));
        let word = self.word(place);
        let end = word.len();
        if let Some(separator) = word.get(from..).and_then(|literal| literal.find('=')) {
            self.hide(place, from + separator + 1..end);
        }
        place + 1
    }

    /// `--password=two words`: an argument of its own is the secret to its end. In a text assignments find it.
    fn own_value(&mut self, index: usize, from: usize, value: &str, verdict: Verdict) {
        let several = value.contains(" ") && value.contains('=');
        if self.origin == Origin::List && !several && hides_next(verdict, "", value, self.origin) {
            self.hide(index, from..from + value.len());
        }
    }

    /// Whether a word is what the flag before it takes, and not another flag or how the sentence goes on.
    pub(super) fn follows_as_value(&self, next: &str) -> bool {
        let flag = next.starts_with("--") && is_flag(next) && !looks_random(next, 12)
            || is_flag(next) && next.len() <= 3
            || next.is_empty();
        let first = at(next.as_bytes(), 0);
        let sentence = self.origin == Origin::Text
            && (matches!(first, b'}' | b']' | b')' | b'>' | b':' | b';' | b'=')
                || SENTENCE.contains(&next.trim_end_matches(['.', ',', ';']))
                || is_state(next));
        !flag && !sentence
    }

    /// What the program's short flag takes; by itself `-p` takes a password where a user is named.
    pub(super) fn takes(&self, flag: &str) -> Option<Takes> {
        let of_program = self.program.and_then(|program| {
            program.flags.iter().find(|(known, takes)| {
                *takes != Takes::Glued
                    && (*known == flag
                        || known
                            .strip_prefix("login ")
                            .is_some_and(|known| known == flag && self.words.contains(&"login")))
            })
        });
        if let Some((_, takes)) = of_program {
            return Some(*takes);
        }
        match flag {
            "-p" | "-P" | "--pw" | "-pw" if self.user_known => Some(Takes::Likely),
            "-p" | "-P" if self.program.is_none() && self.origin == Origin::List => Some(Takes::Likely),
            "-u" | "--user" | "-U" | "--proxy-user" | "--login" | "--credentials" | "--basic-auth"
            | "--basicauth" | "--userpass" | "--auth-user" => (!self.is_container_tool())
                .then_some(Takes::UserColon)
                .filter(|_| self.program.is_none()),
            _ => None,
        }
    }

    /// `-su` is `-s -u` to curl.
    pub(super) fn combined(&self, flag: &str) -> Option<String> {
        let curl = self
            .program
            .is_some_and(|program| program.names.contains(&"curl"));
        let letters = flag
            .strip_prefix('-')
            .filter(|letters| curl && letters.len() > 1 && letters.len() < 8)?;
        let last = letters
            .chars()
            .next_back()
            .filter(|_| letters.bytes().all(|byte| is(byte, LETTER)))?;
        Some(format!("-{last}"))
    }

    fn is_container_tool(&self) -> bool {
        self.program
            .is_some_and(|program| program.names.contains(&"docker"))
    }

    /// Hides what a flag takes from `from` on in the argument at `index`.
    pub(super) fn take(&mut self, index: usize, from: usize, takes: Takes) -> bool {
        let word = self.word(index).to_owned();
        let value = word.get(from..).unwrap_or_default();
        if value.is_empty() || from == 0 && !self.follows_as_value(value) {
            return false;
        }
        let after = |separator: char| value.find(separator).map(|place| from + place + 1);
        let known = self
            .program
            .is_some_and(|program| program.flags.iter().any(|(_, flag)| *flag == takes));
        match takes {
            Takes::Secret | Takes::Glued => self.hide(index, from..word.len()),
            Takes::Likely => {
                let plain =
                    is_short_number(value) || is_mapping(value) || is_path(value) || value.contains("://");
                let unknown = self.program.is_some() || !self.user_known;
                if plain || unknown && !looks_random(value, 8) || unknown && value.contains(['.', '@']) {
                    return false;
                }
                self.hide(index, from..word.len());
            }
            Takes::UserColon => {
                let Some(start) = after(':') else { return known };
                let password = word.get(start..).unwrap_or_default();
                if password.is_empty() {
                    // `-u token:`
                    if looks_random(value.trim_end_matches(':'), 8) {
                        self.hide(index, from..start - 1);
                    }
                } else if known || is_masked(password) || looks_random(password, 6) {
                    self.hide(index, start..word.len());
                } else {
                    return false;
                }
            }
            Takes::UserPercent | Takes::UserComma => {
                let separator = if takes == Takes::UserPercent { '%' } else { ',' };
                let Some(start) = after(separator) else {
                    return true;
                };
                self.hide(index, start..word.len());
            }
            Takes::Cookies => {
                let Some(start) = after('=') else { return true };
                self.hide(index, start..word.len());
            }
        }
        true
    }

    /// `-psecret`, `-uuser:secret`
    pub(super) fn glued(&mut self, index: usize, word: &str) -> bool {
        let Some(program) = self.program else { return false };
        if word.starts_with("--") {
            return false;
        }
        for (flag, takes) in program.flags {
            let letters = flag.strip_prefix("login ").unwrap_or(flag);
            let is_short = letters.len() <= 3 && letters.starts_with('-') && !letters.starts_with("--");
            if !is_short || word.len() <= letters.len() || !word.starts_with(letters) {
                continue;
            }
            let rest = word.get(letters.len()..).unwrap_or_default();
            let takes_glued = match takes {
                Takes::Glued => !program.names.contains(&"kubectl"),
                Takes::Secret => looks_random(rest, 6),
                Takes::UserColon => rest.contains(':'),
                Takes::UserPercent => rest.contains('%'),
                Takes::UserComma => rest.contains(','),
                Takes::Likely | Takes::Cookies => false,
            };
            if takes_glued && self.take(index, letters.len(), *takes) {
                return true;
            }
        }
        false
    }
}

/// `8080:80`, `127.0.0.1:80:80/tcp`, `8000-8010`
fn is_mapping(value: &str) -> bool {
    value.bytes().all(|byte| {
        byte.is_ascii_digit()
            || matches!(byte, b':' | b'.' | b'-' | b'/' | b'[' | b']')
            || matches!(byte, b't' | b'c' | b'p' | b'u' | b'd')
    }) && value.bytes().any(|byte| byte.is_ascii_digit())
}
