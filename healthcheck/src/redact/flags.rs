//! Flags whose meaning depends on the program: `-p`, `-u`, `-a`.

use super::arguments::{Origin, Reader};
use super::bytes::{LETTER, is};
use super::entropy::looks_random;
use super::programs::Takes;
use super::settings::{is_masked, is_path, is_short_number};

impl Reader<'_, '_> {
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
