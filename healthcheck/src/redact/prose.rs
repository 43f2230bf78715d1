//! Secrets in sentences: `password is x`, `with password "x"`, `invalid api key x`, `requirepass x`.

use super::bytes::{ALNUM, LETTER, SPACE, at, before, follows, is, run, run_while};
use super::entropy::looks_random;
use super::quoted::Quote;
use super::scan::Scan;
use super::settings::{is_masked, is_path, is_placeholder, is_state};
use super::sieve::Sieve;

/// How much a word says about the one after it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tells {
    /// Whatever follows is the secret: directives of configuration files.
    Always,
    /// What follows in quotes, or looks as if drawn.
    Password,
    /// What follows and looks as if drawn.
    Token,
    /// The same, after one of [`QUALITIES`] only: "primary key 7" is none.
    Key,
}

/// Lower-case and sorted.
const WORDS: &[(&str, Tells)] = &[
    ("accesskey", Tells::Token),
    ("apikey", Tells::Token),
    ("auth", Tells::Token),
    ("bearer", Tells::Token),
    ("contraseña", Tells::Password),
    ("cred", Tells::Token),
    ("credential", Tells::Token),
    ("credentials", Tells::Token),
    ("creds", Tells::Token),
    ("identified by", Tells::Password),
    ("kennwort", Tells::Password),
    ("key", Tells::Key),
    ("masterauth", Tells::Always),
    ("otp", Tells::Token),
    ("passcode", Tells::Password),
    ("passphrase", Tells::Password),
    ("passwd", Tells::Password),
    ("password", Tells::Password),
    ("passwords", Tells::Password),
    ("passwort", Tells::Password),
    ("pw", Tells::Password),
    ("pwd", Tells::Password),
    ("requirepass", Tells::Always),
    ("rootpw", Tells::Always),
    ("secret", Tells::Token),
    ("secretkey", Tells::Token),
    ("secrets", Tells::Token),
    ("senha", Tells::Password),
    ("token", Tells::Token),
    ("tokens", Tells::Token),
    ("wachtwoord", Tells::Password),
];

static TELLING: Sieve = {
    let mut sieve = Sieve::EMPTY;
    let mut index = 0;
    while index < WORDS.len() {
        sieve = sieve.with(WORDS[index].0);
        index += 1;
    }
    sieve
};

/// What makes a key one that opens something.
const QUALITIES: &[&str] = &[
    "access",
    "account",
    "admin",
    "api",
    "app",
    "auth",
    "client",
    "encryption",
    "license",
    "licence",
    "master",
    "private",
    "secret",
    "service",
    "shared",
    "signing",
    "ssh",
    "storage",
    "subscription",
    "webhook",
];

const CONNECTORS: &[&str] = &[
    "are", "as", "be", "being", "entered", "equals", "found", "given", "got", "is", "now", "of", "provided",
    "received", "sent", "set", "supplied", "to", "used", "value", "was", "were", "with",
];

const LONGEST_WORD: usize = 16;
const LONGEST_SECRET: usize = 512;

pub(super) fn find(scan: &mut Scan<'_>) {
    let bytes = scan.bytes;
    let mut from = 0;
    for (gap, byte) in bytes.iter().enumerate() {
        if !matches!(byte, b' ' | b'(' | b'\t') {
            continue;
        }
        let last = before(bytes, gap);
        if gap < from || !(is(last, LETTER) || last >= 0x80 || matches!(last, b':' | b'=')) {
            continue;
        }
        let word_end = if matches!(last, b':' | b'=') { gap - 1 } else { gap };
        let word = super::bytes::run_back(bytes, word_end.saturating_sub(LONGEST_WORD), word_end, |byte| {
            is(byte, LETTER) || byte >= 0x80
        });
        let Some(tells) = telling(scan, word, word_end) else {
            continue;
        };
        if let Some(end) = hide_after(scan, gap, tells) {
            from = end;
        }
    }
}

fn telling(scan: &Scan<'_>, start: usize, end: usize) -> Option<Tells> {
    let bytes = scan.bytes;
    let word = bytes.get(start..end)?;
    let first = at(word, 0) | 0x20;
    if word.len() < 2
        || !matches!(
            first,
            b'a' | b'b' | b'c' | b'i' | b'k' | b'm' | b'o' | b'p' | b'r' | b's' | b't' | b'w'
        )
    {
        return None;
    }
    if word.eq_ignore_ascii_case(b"by") {
        return follows(bytes, start.checked_sub("identified ".len())?, "identified ")
            .then_some(Tells::Password);
    }
    let mut lower = [0; LONGEST_WORD];
    let lower = lower.get_mut(..word.len())?;
    lower.copy_from_slice(word);
    lower.make_ascii_lowercase();
    if !TELLING.may_have(lower) {
        return None;
    }
    let found = WORDS
        .binary_search_by(|(known, _)| known.as_bytes().cmp(lower))
        .ok()?;
    let (_, tells) = WORDS.get(found)?;
    match tells {
        Tells::Key => {
            let gap = start
                .checked_sub(1)
                .filter(|gap| matches!(at(bytes, *gap), b' ' | b'-' | b'_'))?;
            let quality = super::bytes::run_back(bytes, gap.saturating_sub(LONGEST_WORD), gap, |byte| {
                is(byte, LETTER)
            });
            let quality = scan.part(quality, gap);
            QUALITIES
                .iter()
                .any(|known| known.eq_ignore_ascii_case(quality))
                .then_some(Tells::Token)
        }
        tells => Some(*tells),
    }
}

/// The word or the quoted text after the telling one, and after up to two connectors between them.
fn hide_after(scan: &mut Scan<'_>, gap: usize, tells: Tells) -> Option<usize> {
    let bytes = scan.bytes;
    let mut start = gap;
    let mut connectors = 0;
    loop {
        start = run_while(bytes, start, |byte| {
            matches!(byte, b' ' | b'(' | b':' | b'=' | b'\t')
        });
        for arrow in ["->", "=>", "→"] {
            if follows(bytes, start, arrow) {
                start = run_while(bytes, start + arrow.len(), |byte| byte == b' ');
            }
        }
        let end = run(bytes, start, LETTER);
        let word = scan.part(start, end);
        if connectors == 2 || !CONNECTORS.iter().any(|known| known.eq_ignore_ascii_case(word)) {
            break;
        }
        connectors += 1;
        start = end;
    }
    if let Some((quote, inside)) = Quote::of_value(bytes, start) {
        let window = bytes.get(..inside + LONGEST_SECRET).unwrap_or(bytes);
        let end = run_while(window, inside, |byte| {
            !matches!(byte, b'"' | b'\'' | b'`' | b'\\' | b'\n')
        });
        let text = scan.part(inside, end);
        let secret = tells == Tells::Always
            || tells == Tells::Password && !is_state(text) && !text.contains(' ')
            || looks_random(text, 8);
        if !secret || text.is_empty() || is_masked(text) || is_placeholder(text) || end == window.len() {
            return None;
        }
        scan.spans.hide(inside..end);
        let mut end = end + quote.len();
        // `tried passwords: "one", "two"`
        while let Some(inside) = another(bytes, end, quote) {
            let window = bytes.get(..inside + LONGEST_SECRET).unwrap_or(bytes);
            let close = run_while(window, inside, |byte| {
                !matches!(byte, b'"' | b'\'' | b'`' | b'\\' | b'\n')
            });
            scan.spans.hide(inside..close);
            end = close + quote.len();
        }
        return Some(end);
    }
    let window = bytes.get(..start + LONGEST_SECRET).unwrap_or(bytes);
    let end = run_while(window, start, |byte| {
        !is(byte, SPACE)
            && !matches!(
                byte,
                b'"' | b'\'' | b'`' | b',' | b';' | b')' | b'(' | b'<' | b'>' | b'\\' | b']' | b'}'
            )
    });
    let text = scan.part(start, end);
    let text = text.trim_end_matches(['.', ':', '!', '?']);
    let secret = match tells {
        Tells::Always => true,
        Tells::Password => looks_random(text, 6),
        Tells::Token | Tells::Key => looks_random(text, 8),
    };
    // `key=value` and addresses have scanners of their own.
    if !secret
        || text.is_empty()
        || is_masked(text)
        || is_path(text)
        || text.contains("://")
        || looks_like_setting(text)
    {
        return None;
    }
    scan.spans.hide(start..start + text.len());
    Some(start + text.len())
}

/// Inside of a further quoted text after a comma.
fn another(bytes: &[u8], end: usize, quote: Quote) -> Option<usize> {
    let next = run_while(bytes, end, |byte| byte == b' ');
    if at(bytes, next) != b',' {
        return None;
    }
    let next = run_while(bytes, next + 1, |byte| byte == b' ');
    Quote::opening(bytes, next)
        .filter(|(found, _)| *found == quote)
        .map(|(_, inside)| inside)
}

fn looks_like_setting(text: &str) -> bool {
    let bytes = text.as_bytes();
    let name = run_while(bytes, 0, |byte| {
        is(byte, ALNUM) || matches!(byte, b'_' | b'-' | b'.')
    });
    name > 0 && at(bytes, name) == b'=' && name + 2 < bytes.len() && at(bytes, name + 1) != b'='
}

#[cfg(test)]
mod tests {
    use super::super::redact;
    use super::WORDS;

    #[test]
    fn the_table_is_sorted_and_fits() {
        assert!(WORDS.is_sorted_by(|(one, _), (other, _)| one < other));
        assert!(WORDS.iter().all(|(word, _)| word.len() <= super::LONGEST_WORD));
    }

    #[test]
    fn secrets_in_sentences_go() {
        let x = concat!("FAKE", "00ab12cd");
        for (text, expected) in [
            (
                "login failed with password X",
                "login failed with password ********",
            ),
            ("the password is X.", "the password is ********."),
            ("password 'hunter' was wrong", "password '********' was wrong"),
            ("invalid API key X given", "invalid API key ******** given"),
            ("token (X) revoked", "token (********) revoked"),
            ("requirepass hunter", "requirepass ********"),
            (
                "machine h login a password X",
                "machine h login a password ********",
            ),
            (
                "CREATE USER a IDENTIFIED BY 'hunter'",
                "CREATE USER a IDENTIFIED BY '********'",
            ),
            (
                "tried passwords: \"X\", \"other\"",
                "tried passwords: \"********\", \"********\"",
            ),
        ] {
            assert_eq!(redact(&text.replace('X', x)), expected, "{text}");
        }
    }

    #[test]
    fn sentences_about_secrets_stay() {
        for text in [
            "token expired",
            "key not found",
            "password: required",
            "password authentication failed for user \"app\"",
            "Access denied for user 'a'@'h' (using password: YES)",
            "secret \"db-credentials\" not found",
            "invalid token: unexpected end of input",
            "primary key 12345678a violated",
            "unexpected token '<'",
            "the API key is missing",
            "passwords do not match",
            "token 12 of 20",
            "no such key: orders",
            "password must be at least 8 characters",
            "KeyError: 'name'",
            "passed: 14, failed: 0",
        ] {
            assert_eq!(redact(text), text);
        }
    }
}
