//! Secrets that stand in an argument of their own without a flag before them.

use super::arguments::{Origin, Reader, base_name, hides_next, is_flag};
use super::bytes::{ALNUM, is};
use super::entropy::looks_random;
use super::schemes;
use super::settings::is_path;

/// Programs whose plain arguments are what they look for, and where.
const SEARCHERS: &[&str] = &["ack", "ag", "awk", "egrep", "fgrep", "find", "grep", "rg", "sed"];

/// How many words before its password a user of Redis is named at most.
const FARTHEST_USER: usize = 12;

impl Reader<'_, '_> {
    /// Secrets by their place: `redis-cli auth x`, `sqlplus user/x@db`.
    pub(super) fn positional(&mut self, index: usize) {
        self.piped(index);
        self.of_user(index);
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
            // `system/"two words"@db`
            let quoted = rest
                .strip_prefix('"')
                .and_then(|rest| Some(rest.split_once('"')?.0));
            let start = user.len() + 1 + usize::from(quoted.is_some());
            let plain = || rest.split_once('@').map_or(rest, |(password, _)| password);
            self.hide(index, start..start + quoted.unwrap_or_else(plain).len());
        }
    }

    /// `user a on >x`, `ACL SETUSER a on >x` of Redis, `config http-basic.repo user x` of Poetry and Composer.
    fn of_user(&mut self, index: usize) {
        let word = self.word(index);
        let length = word.len();
        if length > 1 && matches!(word.as_bytes().first(), Some(b'>' | b'#')) {
            let is_user = |word: &&str| {
                ["user", "setuser"]
                    .iter()
                    .any(|known| known.eq_ignore_ascii_case(word))
            };
            if self
                .words
                .get(index.saturating_sub(FARTHEST_USER)..index)
                .is_some_and(|before| before.iter().any(is_user))
            {
                self.hide(index, 1..length);
            }
        } else if word.starts_with("http-basic.") {
            let password = index + 2;
            let length = self.word(password).len();
            self.hide(password, 0..length);
        }
    }

    /// `echo x | docker login --password-stdin`, `echo x | sudo -S ls`
    fn piped(&mut self, index: usize) {
        let word = self.word(index);
        if word != "echo" && word != "printf" || !self.words.contains(&"|") {
            return;
        }
        let secret = index + 1;
        let length = self.word(secret).len();
        let asked_for_password = self.words.contains(&"sudo") && self.words.contains(&"-S");
        if asked_for_password || self.words.iter().any(|word| word.ends_with("-stdin")) {
            self.hide(secret, 0..length);
        } else if self.words.contains(&"chpasswd")
            && let Some(colon) = self.word(secret).find(':')
        {
            self.hide(secret, colon + 1..length);
        }
    }

    /// `DB_PASSWORD=two words`, `X-Api-Key: two words`: the secret goes to the end of its argument.
    fn whole_setting(&mut self, index: usize) {
        let word = self.word(index);
        let Some(separator) = word.find(['=', ':']) else {
            return;
        };
        let name = word.get(..separator).unwrap_or_default();
        let value = word.get(separator + 1..).unwrap_or_default();
        let colon = word.as_bytes().get(separator) == Some(&b':');
        let is_name = !name.is_empty()
            && name
                .bytes()
                .all(|byte| is(byte, ALNUM) || matches!(byte, b'_' | b'-' | b'.'));
        if !is_name || colon && !value.starts_with(' ') || value.contains(['=', ';', '&', ',']) {
            return;
        }
        let text = value.trim_start();
        let verdict = self.rules.verdict(name);
        if text.contains(' ')
            && !has_scheme(text)
            && verdict.is_telling()
            && hides_next(verdict, name, text, self.origin)
        {
            let end = word.len();
            self.hide(index, end - text.len()..end);
        }
    }

    /// `config set requirepass x`, `wifi connect a password x`: a name without dashes, then the value.
    pub(super) fn bare(&mut self, index: usize) -> usize {
        if self.origin == Origin::Text {
            // Sentences have a scanner of their own.
            return index + 1;
        }
        self.whole_setting(index);
        if SEARCHERS.contains(&base_name(self.word(0))) {
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

fn has_scheme(text: &str) -> bool {
    schemes::after_scheme(text.as_bytes(), 0).is_some()
}

fn word_of<'t>(words: &[&'t str], index: usize) -> &'t str {
    words.get(index).copied().unwrap_or_default()
}
