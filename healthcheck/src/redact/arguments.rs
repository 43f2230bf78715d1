//! Finds secrets in the arguments of a command: `--password x`, `--password=x`, `mysql -px`, `curl -u user:x`.

use std::ops::Range;

use super::Rules;
use super::bytes::*;
use super::names::{Family, Verdict};
use super::pairs::is_password;
use super::scan::Scan;
use super::values::{is_masked, is_path, is_placeholder, is_setting, is_short_number, looks_random};
use super::words::*;

/// Known programs, each with the flags and subcommands that take a secret.
///
/// The sign after a flag or subcommand shows where the secret is:
/// - `!`: the secret is the next argument, or it is attached to the flag,
/// - `+`: the secret is attached to the flag,
/// - `=`: the secret is the next argument,
/// - `?`: the secret is the next argument, if that argument looks like a secret,
/// - `:`, `%` or `,`: the secret follows this sign in the flag's value, as in `user:password`,
/// - a digit `n`: the secret is the n-th argument after the flag or subcommand.
#[rustfmt::skip]
const PROGRAMS: [(&str, &str); 31] = [
    ("mysql mysqldump mysqladmin mysqlimport mysqlcheck mysqlbinlog mysqlsh mysqlpump mariadb mariadb-dump mariadb-admin \
      mycli xtrabackup mariabackup mydumper", "-p+ -p?"),
    ("redis-cli valkey-cli keydb-cli redis-benchmark", "-a! auth1 AUTH1"),
    ("sshpass mongo mongosh mongodump mongorestore mongoexport mongoimport mongostat useradd usermod", "-p!"),
    ("docker podman buildah skopeo nerdctl helm oras crane", "--creds: --src-creds: --dest-creds:"),
    ("curl curlie", "-u: --user: -U: --proxy-user: -E: --cert: --oauth2-bearer! --tlspassword!"),
    ("http https xh xhs", "-a: --auth:"),
    ("ab siege", "-A: -P:"),
    ("openssl", "-k= -K= -psk="),
    ("ldapsearch ldapadd ldapmodify ldapdelete ldapwhoami ldappasswd", "-w! -s?"),
    ("smbclient rpcclient smbget net", "-U% --user%"),
    ("zip unzip sqlcmd bcp osql tsql isql mosquitto_pub mosquitto_sub ipmitool", "-P!"),
    ("7z 7za 7zz rar unrar", "-p+ -hp+"),
    ("cqlsh clickhouse-client rabbitmqadmin vsql", "-p! -w? -pw!"),
    ("ftp lftp ncftp", "-u, -p!"),
    ("rabbitmqctl", "add_user2 change_password2 authenticate_user2"),
    ("snmpwalk snmpget snmpset snmpbulkwalk snmpgetnext snmptrap", "-c! -A! -X!"),
    ("etcdctl nats influx", "--user: -t?"),
    ("vault bao", "login1 unseal1 unwrap1"),
    ("consul nomad serf", "-encrypt!"),
    ("htpasswd", "-b3 -bc3 -cb3 -bB3 -Bb3 -nb2 -bn2 -nbB2 -Bbn2 -bnB2 -nBb2 -nbm2"),
    ("plink pscp psftp", "-pw!"),
    ("xfreerdp wlfreerdp", "/p!"),
    ("ssh-keygen", "-N! -P!"),
    ("gitlab-runner", "-r! -t!"),
    ("cargo", "login1"),
    ("bw", "login2 unlock1"),
    ("mc mcli", "set4 add4"),
    ("doctl flyctl fly vercel netlify doppler", "-t!"),
    ("dig nsupdate", "-y:"),
    ("az oc cf ibmcloud twine poetry gcloud nuget dotnet", "-p? -t? -k!"),
    // Programs whose flag `-p` takes a port, a path or a project, not a secret.
    ("kubectl psql pg_dump pg_restore java ssh scp rsync nc nmap", ""),
];

const NAMES: [(u32, &str); PROGRAMS.len()] = {
    let mut names = [(0, ""); PROGRAMS.len()];
    let mut index = 0;
    while index < names.len() {
        names[index] = (index as u32 + 1, PROGRAMS[index].0);
        index += 1;
    }
    names
};
static TABLE: Table<1_280, 192, 512> = Table::of(&NAMES);

/// Of a line that is read as a command, at most this many bytes before the first flag are read.
const LONGEST_BEFORE: usize = 512;
/// When the scanner reads a line as a command, it reads at most this many bytes after the start of the first flag.
const LONGEST_BEHIND: usize = 2048;

pub(super) fn begins_flag(word: &[u8]) -> bool {
    match word {
        [b'-', b'-', letter, ..] | [b'-', letter, ..] => letter.is_ascii_alphabetic(),
        _ => false,
    }
}

fn is_flag(word: &str) -> bool {
    begins_flag(word.as_bytes())
}

/// Returns the program's flags in `PROGRAMS` if the word is the name or the path of a known program.
fn program(word: &str) -> Option<&'static str> {
    let name = last_part(word, b"/\\");
    let name = name.strip_suffix(".exe").unwrap_or(name);
    let index = TABLE.meaning(name.as_bytes()) as usize;
    PROGRAMS.get(index.wrapping_sub(1)).map(|(_, flags)| *flags)
}

pub(super) fn look_like_arguments<'a>(words: impl Iterator<Item = &'a str>) -> bool {
    let mut words = words.enumerate();
    words.any(|(index, word)| is_flag(word) || index == 0 && program(word).is_some())
}

/// Reads the line that contains the flag at the position `flag` as a command, and hides the secrets in it. Returns the
/// end of the line.
pub(super) fn on_line(scan: &mut Scan<'_>, flag: usize) -> usize {
    let bytes = scan.bytes;
    let floor = flag.saturating_sub(LONGEST_BEFORE);
    let start = memchr::memrchr(b'\n', &bytes[floor..flag]).map_or(floor, |line| floor + line + 1);
    let end = line_end_within(bytes, flag, LONGEST_BEHIND);
    let mut starts = Vec::new();
    let mut words = Vec::new();
    let mut place = run(bytes, start, SPACE);
    while place < end {
        let (mut from, mut to) = (place, until(&bytes[..end], place, SPACE));
        let mark = bytes[place];
        place = to;
        if is(mark, QUOTE) {
            from += 1;
            let close = memchr::memchr(mark, &bytes[from..end]).map_or(end, |close| from + close);
            // If a quoted string contains no flags, it is one argument. If it contains flags, it is a command itself:
            // read its words separately.
            if find(&bytes[from..close], b" -").is_none() {
                to = close;
                // The quoted argument may be an item of a list such as `["app", "--password", "x"]`. Skip the
                // punctuation after its closing quote.
                place = close + 1;
                while place < end && b",])}".contains(&bytes[place]) {
                    place += 1;
                }
            }
        }
        while to > from && b"\"'`,)]".contains(&bytes[to - 1]) {
            to -= 1;
        }
        starts.push(from);
        words.push(scan.part(from, to.max(from)));
        place = run(bytes, place, SPACE);
    }
    for (index, range) in secrets(&words, Origin::Text, scan.rules) {
        scan.hide(starts[index] + range.start..starts[index] + range.end);
    }
    end
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// The arguments are the items of a list. Each item is one argument, even if it contains spaces.
    List,
    /// The arguments are the words of a line of text, which may be a sentence.
    Text,
}

/// Finds the secrets among the arguments of a command. For each secret, returns the index of the argument that contains
/// it, and the secret's range in this argument.
pub(super) fn secrets(words: &[&str], origin: Origin, rules: &Rules) -> Vec<(usize, Range<usize>)> {
    let mut reader = Reader {
        words,
        text: origin == Origin::Text,
        rules,
        flags: None,
        login: false,
        user: words.iter().any(|word| names_user(word)),
        found: Vec::new(),
    };
    let mut index = 0;
    while index < words.len() {
        index = reader.argument(index);
    }
    reader.found
}

fn names_user(word: &str) -> bool {
    let flag = split_at(word, b'=').map_or(word, |(flag, _)| flag);
    is_flag(word) && means(trimmed(flag, b"-", b""), USER_FLAG)
}

/// Returns whether the flag with this name takes no value: `--password-stdin` and `--no-auth`, for example.
fn is_switch(name: &str) -> bool {
    split_at(name, b'-').is_some_and(|(first, _)| means(first, SWITCH)) || name.ends_with("-stdin")
}

/// Returns whether the value is a plain name, which isn't a password. In `mysql -p orders`, `orders` is a database, and
/// mysql prompts for the password.
fn is_name(value: &str) -> bool {
    all(value, LOWER, b"_-")
}

struct Reader<'w> {
    words: &'w [&'w str],
    text: bool,
    rules: &'w Rules,
    /// The flags in `PROGRAMS` of the known program that was read last.
    flags: Option<&'static str>,
    /// Whether the argument `login` was already read. After `login`, the flag `-p` takes a password.
    login: bool,
    /// Whether any argument is a flag that names a user, such as `--user`. If so, the value of a flag `-p` is a
    /// password.
    ///
    /// This rule doesn't apply after the name of a program in `PROGRAMS`. The program's entry decides about its flags.
    user: bool,
    found: Vec<(usize, Range<usize>)>,
}

/// A flag and its value. The value begins in the argument with the index `argument`, at the offset `from`.
struct Flag<'w> {
    name: &'w str,
    /// Whether the value is in the same argument as the flag, after a `=`, or after a `:` as in `/p:x`.
    own: bool,
    argument: usize,
    from: usize,
    value: &'w str,
}

impl<'w> Reader<'w> {
    fn word(&self, index: usize) -> &'w str {
        self.words.get(index).copied().unwrap_or_default()
    }

    fn hide(&mut self, argument: usize, from: usize) {
        let word = self.word(argument);
        let part = word.get(from..).unwrap_or_default();
        if !part.is_empty() && !is_masked(part) && !is_placeholder(part) {
            // Keep `found` sorted by the index of the argument. We find secrets almost in this order, so the right
            // place is at the end or near it. So we search from the end.
            let found = &mut self.found;
            let behind = found
                .iter()
                .rev()
                .take_while(|(other, _)| *other > argument)
                .count();
            found.insert(found.len() - behind, (argument, from..word.len()));
        }
    }

    /// Reads the argument at `index` and, if it is a flag, the flag's value. Returns the index of the next argument to
    /// read.
    fn argument(&mut self, index: usize) -> usize {
        let word = self.word(index);
        self.login |= word == "login";
        let slash = word.starts_with('/') && has(word, b":");
        if !is_flag(word) && !slash {
            self.plain(index, word);
            return index + 1;
        }
        if let Some(rest) = word.strip_prefix("--from-literal") {
            // `--from-literal name=value` puts the value into a Kubernetes Secret, so hide the value whatever its name
            // is.
            let (argument, from) = match rest {
                "" => (index + 1, 0),
                _ => (index, word.len() - rest.len() + 1),
            };
            let literal = self.word(argument).get(from..).unwrap_or_default();
            if let Some((name, _)) = split_at(literal, b'=') {
                self.hide(argument, from + name.len() + 1);
            }
            return index + 1;
        }
        let sign = if word.starts_with('/') { b':' } else { b'=' };
        let flag = match split_at(word, sign) {
            Some((name, value)) => Flag {
                name,
                own: true,
                argument: index,
                from: name.len() + 1,
                value,
            },
            None => Flag {
                name: word,
                own: false,
                argument: index + 1,
                from: 0,
                value: self.word(index + 1),
            },
        };
        let taken = !self.placed(index, word) && (self.by_program(index, word, &flag) || self.by_name(&flag));
        if taken { flag.argument + 1 } else { index + 1 }
    }

    /// Reads an argument that isn't a flag: a program, a subcommand that takes secrets, or the name of a setting.
    fn plain(&mut self, index: usize, word: &str) {
        let previous = self.word(index.wrapping_sub(1));
        let called = self.text || index == 0 || !is_flag(previous) || matches!(previous, "--" | "-c" | "-m");
        if called && let Some(flags) = program(word) {
            self.flags = Some(flags);
            return;
        }
        if self.placed(index, word) || self.text {
            return;
        }
        // In `aws configure set aws_secret_access_key x`, the word after the name is the secret.
        let next = self.word(index + 1);
        if word.len() <= 64
            && looks_random(next, 8)
            && !has(next, b"=")
            && !is_flag(next)
            && self.rules.verdict(word).is_telling()
        {
            self.hide(index + 1, 0);
        }
    }

    /// If the current program's entry in `PROGRAMS` has a digit `n` after this word, hides the secret in the n-th
    /// argument after the word. Returns whether the entry has such a digit.
    fn placed(&mut self, index: usize, word: &str) -> bool {
        let Some(flags) = self.flags else { return false };
        let mut takes = parts(flags, b" ").filter_map(|flag| {
            let (name, takes) = flag.split_at_checked(flag.len().checked_sub(1)?)?;
            Some(usize::from(takes.as_bytes()[0])).filter(|_| name == word)
        });
        let Some(digit) = takes.find(|takes| (b'1'.into()..=b'9'.into()).contains(takes)) else {
            return false;
        };
        let argument = index + digit - usize::from(b'0');
        let value = self.word(argument);
        if !is_flag(value) && (!self.text || looks_random(value, 6)) {
            self.hide(argument, 0);
        }
        true
    }

    /// Returns whether a value belongs to the flag. The value is in the same argument, or it is the next argument if
    /// that can be a value.
    fn follows(&self, flag: &Flag<'_>) -> bool {
        let next = flag.value;
        let another = is_flag(next) && (next.len() <= 3 || next.starts_with("--") && !looks_random(next, 12));
        let goes_on = || starts(next, b"}])>:;=") || means(trimmed(next, b"", b".,;"), SENTENCE);
        flag.own || !(next.is_empty() || another || self.text && goes_on())
    }

    /// Returns whether a flag takes a secret. If so, hides the secret.
    ///
    /// A flag takes a secret if the current program's entry in `PROGRAMS` contains the flag. Otherwise, `-p` takes a
    /// secret after the argument `login`. If the line names no known program, `-p` also takes a secret if another flag
    /// names a user, and in a text `-u` takes a secret if its value looks like `user:password`.
    fn by_program(&mut self, index: usize, word: &str, flag: &Flag<'_>) -> bool {
        let mut taken = None;
        for known in parts(self.flags.unwrap_or_default(), b" ") {
            let Some((name, takes)) = known.split_at_checked(known.len().saturating_sub(1)) else {
                continue;
            };
            let glued = name.len() == 2 && word.len() > 2 && word.starts_with(name);
            match takes.as_bytes() {
                [b'!' | b'=' | b'?' | b':' | b'%' | b','] if name == flag.name => {
                    taken = Some((flag.argument, flag.from, takes));
                }
                [b'!' | b'+' | b':' | b'%' | b','] if glued => taken = Some((index, 2, takes)),
                _ => continue,
            }
            break;
        }
        let taken = taken.or_else(|| {
            let password = flag.name == "-p" && (self.login || self.user && self.flags.is_none());
            let named = matches!(flag.name, "-u" | "--user") && self.flags.is_none() && self.text;
            let pair =
                named && has(flag.value, b":") && !flag.value.ends_with(|last: char| last.is_ascii_digit());
            let takes = if password { "?" } else { ":" };
            (password || pair).then_some((flag.argument, flag.from, takes))
        });
        let Some((argument, from, takes)) = taken else {
            return false;
        };
        let value = self.word(argument).get(from..).unwrap_or_default();
        let next = argument > index;
        if next && !self.follows(flag) {
            return true;
        }
        match takes.as_bytes() {
            [sign @ (b':' | b'%' | b',')] => {
                if let Some((user, _)) = split_at(value, *sign)
                    && !is_path(value)
                {
                    self.hide(argument, from + user.len() + 1);
                }
            }
            b"?" if value.len() < 4 || is_short_number(value) || is_path(value) || is_name(value) => {}
            _ => self.hide(argument, from),
        }
        true
    }

    /// Returns whether the flag is part of a sentence, as in `use --token to sign in`. In a sentence, an ordinary word
    /// or a punctuation mark follows the flag.
    fn is_sentence(&self, flag: &Flag<'_>) -> bool {
        let next = self.word(flag.argument + 1);
        let ends = next.is_empty() || is_flag(next);
        let word = flag
            .value
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_punctuation());
        !all(flag.name, WORD, b".")
            || flag.name.ends_with('.')
            || !flag.value.bytes().any(|byte| is(byte, ALNUM))
            || word && !(ends && is_password(flag.name) && all(flag.value, ALNUM, b""))
    }

    /// Hides the value of the flag if the flag's name is the name of a secret. Returns whether the value is hidden.
    fn by_name(&mut self, flag: &Flag<'_>) -> bool {
        let name = trimmed(flag.name, b"-/", b"");
        let verdict = self.rules.verdict(name);
        // In a text, the module `pairs` handles `--name=value`, so skip it here.
        if verdict == Verdict::Shown || flag.own && self.text || flag.value.is_empty() || is_switch(name) {
            return false;
        }
        let value = flag.value;
        let hidden = self.follows(flag)
            && !(self.text && self.is_sentence(flag))
            && match verdict {
                Verdict::Shown | Verdict::Of(Family::Carrier) => false,
                Verdict::Of(Family::Weak) => !is_setting(value) && !name.starts_with("private"),
                Verdict::Of(_) => verdict.hides(value),
                Verdict::Fragment { telling } => telling || !self.text,
            };
        // If the value in `--name=value` is a connection string such as `host=h password=x`, don't hide it here: the
        // scanner hides only its secret part.
        if !hidden || flag.own && has(value, b" ") && has(value, b"=") {
            return false;
        }
        self.hide(flag.argument, flag.from);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(words: &[&str]) -> String {
        let mut list: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        for (argument, range) in secrets(words, Origin::List, &Rules::default()) {
            list[argument].replace_range(range, "****");
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
            ("rabbitmqctl add_user a X", "rabbitmqctl add_user a ****"),
            (
                "kubectl create secret generic a --from-literal=b=X",
                "kubectl create secret generic a --from-literal=b=****",
            ),
            (
                "kubectl create secret generic a --from-literal b=X",
                "kubectl create secret generic a --from-literal b=****",
            ),
            ("bw login a@b X", "bw login a@b ****"),
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
