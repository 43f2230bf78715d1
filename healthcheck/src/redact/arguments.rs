//! Secrets among the arguments of a command: `--password x`, `--password=x`, `mysql -px`, `curl -u user:x`.

use std::ops::Range;

use super::bytes::{ALNUM, LETTER, at, follows, is};
use super::entropy::looks_random;
use super::names::{Family, Verdict};
use super::programs::{PROGRAMS, Program, Takes, WRAPPERS};
use super::rules::Rules;
use super::settings::{is_masked, is_path, is_placeholder, is_setting, is_short_number, is_state};
use super::sieve::Sieve;

/// A part of an argument that is to be hidden.
pub(super) struct Secret {
    pub(super) argument: usize,
    pub(super) range: Range<usize>,
}

/// Whether the arguments are a list of them or words of a text, where more care is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    List,
    Text,
}

/// Flags that name the user: beside one, `-p` is the password.
const USER_FLAGS: &[&str] = &[
    "-u",
    "-U",
    "--user",
    "--username",
    "--login",
    "-l",
    "--service-principal",
];

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
const SENTENCE: &[&str] = &[
    "a",
    "after",
    "an",
    "and",
    "are",
    "argument",
    "as",
    "be",
    "before",
    "can",
    "cannot",
    "does",
    "expects",
    "flag",
    "for",
    "from",
    "has",
    "if",
    "in",
    "instead",
    "is",
    "it",
    "may",
    "must",
    "needs",
    "not",
    "of",
    "on",
    "option",
    "or",
    "parameter",
    "requires",
    "should",
    "the",
    "to",
    "value",
    "via",
    "was",
    "when",
    "which",
    "will",
    "with",
    "without",
];

/// The secrets of a command whose words are `words`.
pub(super) fn secrets(words: &[&str], origin: Origin, rules: &Rules) -> Vec<Secret> {
    let mut reader = Reader {
        words,
        origin,
        rules,
        program: None,
        user_known: names_user(words),
        found: Vec::new(),
    };
    let mut index = 0;
    while index < words.len() {
        index = reader.read(index);
    }
    reader.found
}

/// A list whose entries look like the arguments of a program: one of them is a flag.
pub(super) fn look_like_arguments<'a>(mut words: impl Iterator<Item = &'a str>) -> bool {
    words.any(is_flag)
}

pub(super) fn is_flag(word: &str) -> bool {
    let bytes = word.as_bytes();
    at(bytes, 0) == b'-' && (is(at(bytes, 1), LETTER) || at(bytes, 1) == b'-' && is(at(bytes, 2), LETTER))
}

fn names_user(words: &[&str]) -> bool {
    words.iter().any(|word| {
        let flag = word.split_once('=').map_or(*word, |(flag, _)| flag);
        USER_FLAGS.contains(&flag)
    })
}

struct Reader<'t, 'w> {
    words: &'w [&'t str],
    origin: Origin,
    rules: &'w Rules,
    program: Option<&'static Program>,
    user_known: bool,
    found: Vec<Secret>,
}

impl Reader<'_, '_> {
    /// Reads the argument at `index`; the next one to read.
    fn read(&mut self, index: usize) -> usize {
        let word = self.word(index);
        if let Some(program) = program_called(word)
            && self.may_call(index)
        {
            self.program = Some(program);
            self.positional(index);
            return index + 1;
        }
        if is_flag(word) || word.starts_with('/') && !word.starts_with("//") && word.contains(':') {
            self.positional(index);
            return self.flag(index);
        }
        self.positional(index);
        self.bare(index)
    }

    fn word(&self, index: usize) -> &str {
        self.words.get(index).copied().unwrap_or_default()
    }

    /// Only the first word and what a wrapper runs is a program; in a text any word may be.
    fn may_call(&self, index: usize) -> bool {
        self.origin == Origin::Text || index == 0 || {
            let first = base_name(self.word(0));
            let previous = self.word(index - 1);
            WRAPPERS.contains(&first) && !is_short_value_flag(previous)
                || matches!(
                    previous,
                    "--" | "&&" | "||" | "|" | ";" | "-c" | "-m" | "exec" | "run"
                )
        }
    }

    fn hide(&mut self, index: usize, range: Range<usize>) {
        let word = self.words.get(index).copied().unwrap_or_default();
        let text = word.get(range.clone()).unwrap_or_default();
        if !is_masked(text) && !is_placeholder(text) {
            self.found.push(Secret {
                argument: index,
                range,
            });
        }
    }

    fn flag(&mut self, index: usize) -> usize {
        let word = self.word(index).to_owned();
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
        if let Some(value) = value {
            self.own_value(index, flag.len() + 1, value, verdict);
            return index + 1;
        }
        if self.glued(index, &word) {
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

    /// `--password=two words`: an argument of its own is the secret to its end. In a text assignments find it.
    fn own_value(&mut self, index: usize, from: usize, value: &str, verdict: Verdict) {
        let several = value.contains(" ") && value.contains('=');
        if self.origin == Origin::List && !several && hides_next(verdict, "", value, self.origin) {
            self.hide(index, from..from + value.len());
        }
    }

    /// Whether a word is what the flag before it takes, and not another flag or how the sentence goes on.
    fn follows_as_value(&self, next: &str) -> bool {
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
    fn takes(&self, flag: &str) -> Option<Takes> {
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
            "-u" | "--user" | "-U" | "--proxy-user" | "--login" | "--credentials" | "--basic-auth"
            | "--basicauth" | "--userpass" | "--auth-user" => (!self.is_container_tool())
                .then_some(Takes::UserColon)
                .filter(|_| self.program.is_none()),
            _ => None,
        }
    }

    /// `-su` is `-s -u` to curl.
    fn combined(&self, flag: &str) -> Option<String> {
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
    fn take(&mut self, index: usize, from: usize, takes: Takes) -> bool {
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
                if plain || self.program.is_some() && !looks_random(value, 8) {
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
    fn glued(&mut self, index: usize, word: &str) -> bool {
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

    /// Secrets by their place: `redis-cli auth x`, `sqlplus user/x@db`.
    fn positional(&mut self, index: usize) {
        self.piped(index);
        let Some(program) = self.program else { return };
        let word = base_name(self.word(index)).to_owned();
        if let Some((_, distance)) = program.words.iter().find(|(known, _)| *known == word) {
            let place = index + distance;
            let value = self.word(place).to_owned();
            let plain = is_flag(&value)
                || value.is_empty()
                || self.origin == Origin::Text && !looks_random(&value, 6);
            if !plain {
                self.hide(place, 0..value.len());
            }
        }
        if program.names.contains(&"sqlplus")
            && let Some((user, rest)) = word_of(self.words, index).split_once('/')
            && !user.is_empty()
            && user.bytes().all(|byte| is(byte, ALNUM) || byte == b'_')
        {
            let password = rest.split_once('@').map_or(rest, |(password, _)| password);
            self.hide(index, user.len() + 1..user.len() + 1 + password.len());
        }
    }

    /// `echo x | docker login --password-stdin`
    fn piped(&mut self, index: usize) {
        let word = self.word(index);
        if word != "echo" && word != "printf" || !self.words.contains(&"|") {
            return;
        }
        let secret = index + 1;
        let length = self.word(secret).len();
        if self.words.iter().any(|word| word.ends_with("-stdin")) {
            self.hide(secret, 0..length);
        } else if self.words.contains(&"chpasswd")
            && let Some(colon) = self.word(secret).find(':')
        {
            self.hide(secret, colon + 1..length);
        }
    }

    /// `config set requirepass x`, `wifi connect a password x`: a name without dashes, then the value.
    fn bare(&mut self, index: usize) -> usize {
        if self.origin == Origin::Text {
            // Sentences have a scanner of their own.
            return index + 1;
        }
        let name = self.word(index);
        let next = self.word(index + 1);
        let plain = name.len() > 64
            || !name
                .bytes()
                .all(|byte| is(byte, ALNUM) || matches!(byte, b'_' | b'-' | b'.' | b':' | b'/'));
        if plain || next.is_empty() || is_flag(next) {
            return index + 1;
        }
        let verdict = self.rules.verdict(name.rsplit(['/', ':']).next().unwrap_or(name));
        let password = matches!(
            name.to_ascii_lowercase().as_str(),
            "password" | "passwd" | "passphrase" | "psk" | "pwd" | "requirepass" | "masterauth"
        );
        if verdict.is_telling() && (password && !is_path(next) || looks_random(next, 8) && !is_path(next)) {
            let length = next.len();
            self.hide(index + 1, 0..length);
            return index + 2;
        }
        index + 1
    }
}

fn word_of<'t>(words: &[&'t str], index: usize) -> &'t str {
    words.get(index).copied().unwrap_or_default()
}

fn hides_next(verdict: Verdict, name: &str, next: &str, origin: Origin) -> bool {
    match verdict {
        Verdict::Shown | Verdict::Of(Family::Carrier) => false,
        Verdict::Of(Family::Weak) => !is_setting(next) && !follows(name.as_bytes(), 0, "private"),
        Verdict::Of(Family::Strong | Family::Faint) => verdict.hides_text(next),
        Verdict::Fragment { telling } => telling || origin == Origin::List,
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

fn is_short_value_flag(word: &str) -> bool {
    is_flag(word)
        && !word.contains('=')
        && !matches!(word, "-it" | "-i" | "-t" | "-c" | "--rm" | "-d" | "-ti")
}

static NAMES: Sieve = {
    let mut sieve = Sieve::EMPTY;
    let mut program = 0;
    while program < PROGRAMS.len() {
        let names = PROGRAMS[program].names;
        let mut name = 0;
        while name < names.len() {
            sieve = sieve.with(names[name]);
            name += 1;
        }
        program += 1;
    }
    sieve
};

fn program_called(word: &str) -> Option<&'static Program> {
    let name = base_name(word);
    if !is(at(name.as_bytes(), 0), ALNUM) {
        return None;
    }
    if !NAMES.may_have(name.as_bytes()) {
        return None;
    }
    PROGRAMS.iter().find(|program| program.names.contains(&name))
}

fn base_name(word: &str) -> &str {
    let name = word.rsplit(['/', '\\']).next().unwrap_or(word);
    name.strip_suffix(".exe").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(words: &[&str]) -> String {
        let mut list: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        for secret in secrets(words, Origin::List, &Rules::default()) {
            if let Some(word) = list.get_mut(secret.argument) {
                word.replace_range(secret.range, "****");
            }
        }
        list.join(" ")
    }

    #[test]
    fn secrets_are_found_behind_their_flags() {
        let x = concat!("FAKE", "00ab12cd");
        for (words, expected) in [
            ("app --password X --verbose", "app --password **** --verbose"),
            ("app --db-pwd X", "app --db-pwd ****"),
            ("mysql -u root -pX db", "mysql -u root -p**** db"),
            ("sshpass -p X ssh h", "sshpass -p **** ssh h"),
            ("curl -u a:X https://h", "curl -u a:**** https://h"),
            ("curl -ua:X https://h", "curl -ua:**** https://h"),
            ("curl --user a:X https://h", "curl --user a:**** https://h"),
            ("redis-cli -h h -a X ping", "redis-cli -h h -a **** ping"),
            ("openssl enc -k X", "openssl enc -k ****"),
            ("docker login -u a -p X r", "docker login -u a -p **** r"),
            ("smbclient //s/x -U a%X", "smbclient //s/x -U a%****"),
            ("lftp -u a,X h", "lftp -u a,**** h"),
            ("tool -u a -p X", "tool -u a -p ****"),
            ("sudo mysql -pX", "sudo mysql -p****"),
            ("sqlplus scott/X@db", "sqlplus scott/****@db"),
            ("rabbitmqctl add_user a X", "rabbitmqctl add_user a ****"),
            (
                "nmcli dev wifi connect n password X",
                "nmcli dev wifi connect n password ****",
            ),
            (
                "aws configure set aws_secret_access_key X",
                "aws configure set aws_secret_access_key ****",
            ),
        ] {
            let words = words.replace('X', x);
            let words: Vec<_> = words.split(' ').collect();
            assert_eq!(shown(&words), expected);
        }
    }

    #[test]
    fn ordinary_arguments_stay() {
        for words in [
            "app -p 8080",
            "app --port 8080",
            "docker run -p 8080:80 -u 1000:1000 nginx",
            "curl -k https://h",
            "ssh -p 22 u@h",
            "psql -U app -p 5432 -h db",
            "docker login --password-stdin registry.example.com",
            "app --no-password --host h",
            "mysql -u root -p orders",
            "app --pattern *.rs src/",
            "cp -p a b",
            "app --auth ldap",
            "kubectl create secret generic x",
            "tar -xpf a.tar",
            "tool --user app:app run",
            "mkdir -p /a/b",
            "app --secret-name db",
        ] {
            let split: Vec<_> = words.split(' ').collect();
            assert_eq!(shown(&split), words);
        }
    }
}
