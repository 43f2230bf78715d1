//! Secrets among the arguments of a command: `--password x`, `--password=x`, `mysql -px`, `curl -u user:x`.

use std::ops::Range;

use super::bytes::{ALNUM, LETTER, at, follows, is};
use super::names::{Family, Verdict};
use super::programs::{PROGRAMS, Program, WRAPPERS};
use super::rules::Rules;
use super::settings::{is_masked, is_placeholder, is_setting};
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

/// A list whose entries look like the arguments of a program: the program is known, or one of them is a flag.
pub(super) fn look_like_arguments<'a>(words: impl Iterator<Item = &'a str>) -> bool {
    words
        .enumerate()
        .any(|(index, word)| is_flag(word) || index == 0 && program_called(word).is_some())
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

pub(super) struct Reader<'t, 'w> {
    pub(super) words: &'w [&'t str],
    pub(super) origin: Origin,
    pub(super) rules: &'w Rules,
    pub(super) program: Option<&'static Program>,
    pub(super) user_known: bool,
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

    pub(super) fn word(&self, index: usize) -> &str {
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

    pub(super) fn hide(&mut self, index: usize, range: Range<usize>) {
        let word = self.words.get(index).copied().unwrap_or_default();
        let text = word.get(range.clone()).unwrap_or_default();
        if !is_masked(text) && !is_placeholder(text) {
            self.found.push(Secret {
                argument: index,
                range,
            });
        }
    }
}

pub(super) fn hides_next(verdict: Verdict, name: &str, next: &str, origin: Origin) -> bool {
    match verdict {
        Verdict::Shown | Verdict::Of(Family::Carrier) => false,
        Verdict::Of(Family::Weak) => !is_setting(next) && !follows(name.as_bytes(), 0, "private"),
        Verdict::Of(Family::Strong | Family::Faint) => verdict.hides_text(next),
        Verdict::Fragment { telling } => telling || origin == Origin::List,
    }
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

pub(super) fn base_name(word: &str) -> &str {
    let directory = memchr::memrchr2(b'/', b'\\', word.as_bytes()).map_or(0, |slash| slash + 1);
    let name = word.get(directory..).unwrap_or(word);
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
            ("mysqldump -u root -pX== db", "mysqldump -u root -p**** db"),
            ("sshpass -pa=X ssh h", "sshpass -p**** ssh h"),
            ("redis-cli -aX== ping", "redis-cli -a**** ping"),
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
                "redis-cli acl setuser a on >X ~*",
                "redis-cli acl setuser a on >**** ~*",
            ),
            (
                "kubectl create secret generic a --from-literal=b=X",
                "kubectl create secret generic a --from-literal=b=****",
            ),
            (
                "kubectl create secret generic a --from-literal b=X",
                "kubectl create secret generic a --from-literal b=****",
            ),
            (
                "poetry config http-basic.repo a X",
                "poetry config http-basic.repo a ****",
            ),
            ("bw login a@b X", "bw login a@b ****"),
            ("echo X | sudo -S ls", "echo **** | sudo -S ls"),
            ("consul agent -encrypt X", "consul agent -encrypt ****"),
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
