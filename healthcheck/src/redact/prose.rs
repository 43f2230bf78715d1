//! Secrets in sentences: `password is x`, `with password "x"`, `invalid api key x`, `requirepass x`.

use super::bytes::{
    ALNUM, DIGIT, LETTER, QUOTE, SPACE, at, before, each_of, follows, is, run, run_back_of, run_of, set,
};
use super::entropy::looks_random;
use super::quoted::Quote;
use super::scan::Scan;
use super::settings::{is_masked, is_path, is_placeholder, is_state};
use super::telling::{ENDINGS, FAR_ENOUGH, LONGEST_WORD, Tells, telling, telling_name};

#[rustfmt::skip]
const CONNECTORS: &[&str] = &[
    "0", "5", "7", "8", "9", "are", "as", "be", "being", "code", "entered", "equals", "found", "given", "got",
    "hash", "id", "is", "login", "now", "number", "of", "plain", "provided", "received", "sent", "set",
    "string", "supplied", "to", "used", "value", "was", "were", "with",
];

const LONGEST_SECRET: usize = 512;

pub(super) fn find(scan: &mut Scan<'_>) {
    let bytes = scan.bytes;
    let mut from = 0;
    // The next digit, looked for once and not at every gap.
    let mut digit = 0;
    for gap in each_of(bytes, set!(|byte| matches!(byte, b' ' | b'(' | b'\t'))) {
        let last = before(bytes, gap);
        // `'password' -> 'x'`
        let quoted = is(last, QUOTE) && (follows(bytes, gap, " -> ") || follows(bytes, gap, " => "));
        if gap < from || !(is(last, LETTER) || last >= 0x80 || matches!(last, b':' | b'=') || quoted) {
            continue;
        }
        let word_end = if matches!(last, b':' | b'=') || quoted {
            gap - 1
        } else {
            gap
        };
        if digit < gap {
            digit = run_of(bytes, gap, set!(|byte| !is(byte, DIGIT)));
        }
        let may_tell = ENDINGS.may_have(before(bytes, word_end.wrapping_sub(1)), before(bytes, word_end));
        let may_name = at(bytes, gap) != b'('
            && digit < bytes.len().min(gap + FAR_ENOUGH)
            && !bytes.get(gap..digit).unwrap_or_default().contains(&b'\n');
        if !may_tell && !may_name {
            continue;
        }
        let word = run_back_of(
            bytes,
            word_end.saturating_sub(LONGEST_WORD),
            word_end,
            set!(|byte| is(byte, LETTER) || byte >= 0x80),
        );
        let of_user = |words: &[&[u8]]| follows_user(bytes, word, words);
        let tells = telling(scan, word, word_end)
            .filter(|tells| *tells != Tells::OfUser || of_user(&[b"login", b"user", b"username"]))
            .or_else(|| {
                if may_name {
                    telling_name(scan, word_end)
                } else {
                    None
                }
            });
        let Some(mut tells) = tells else { continue };
        if tells == Tells::Password && of_user(&[b"login"]) {
            tells = Tells::Always;
        }
        let mut hidden = hide_after(scan, gap, tells);
        if hidden.is_none() && scan.part(word, word_end) == "AUTH" {
            // To redis, which may be given a user first.
            let user = run_of(bytes, gap, set!(|byte| byte == b' '));
            hidden = hide_after(scan, run_of(bytes, user, set!(|byte| byte > b' ')), tells);
        }
        if let Some(end) = hidden {
            from = end;
        }
    }
}

/// The word or the quoted text after the telling one, and after up to two connectors between them.
fn hide_after(scan: &mut Scan<'_>, gap: usize, tells: Tells) -> Option<usize> {
    let bytes = scan.bytes;
    let mut start = gap;
    let mut connectors = 0;
    for _ in 0..6 {
        start = run_of(
            bytes,
            start,
            set!(|byte| matches!(byte, b' ' | b'(' | b':' | b'=' | b'\t' | b'<' | b'[')),
        );
        for arrow in ["->", "=>", "→", "- ", "– ", "— ", "«"] {
            if follows(bytes, start, arrow) {
                start = run_of(bytes, start + arrow.len(), set!(|byte| byte == b' '));
            }
        }
        let end = run(bytes, start, ALNUM);
        let word = scan.part(start, end);
        if tells == Tells::Password && word == "for" {
            start = after_owner(bytes, end)?;
            continue;
        }
        if connectors == 2 || !CONNECTORS.iter().any(|known| known.eq_ignore_ascii_case(word)) {
            break;
        }
        connectors += 1;
        start = end;
    }
    if let Some((quote, inside)) = Quote::of_value(bytes, start) {
        let window = bytes.get(..inside + LONGEST_SECRET).unwrap_or(bytes);
        let end = run_of(
            window,
            inside,
            set!(|byte| !matches!(byte, b'"' | b'\'' | b'`' | b'\\' | b'\n')),
        );
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
            let close = run_of(
                window,
                inside,
                set!(|byte| !matches!(byte, b'"' | b'\'' | b'`' | b'\\' | b'\n')),
            );
            scan.spans.hide(inside..close);
            end = close + quote.len();
        }
        return Some(end);
    }
    let window = bytes.get(..start + LONGEST_SECRET).unwrap_or(bytes);
    let end = run_of(
        window,
        start,
        set!(|byte| !is(byte, SPACE)
            && !matches!(
                byte,
                b'"' | b'\'' | b'`' | b',' | b';' | b')' | b'(' | b'<' | b'>' | b'\\' | b']' | b'}'
            )),
    );
    let text = scan.part(start, end);
    let text = text.trim_end_matches(['.', ':', '!', '?']);
    let secret = match tells {
        Tells::Always => true,
        Tells::Password => looks_random(text, 6) || connectors > 0 && looks_chosen(text),
        Tells::Token | Tells::Key | Tells::OfUser => looks_random(text, 8),
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

/// `login bob password x`, as in a netrc: the word at `start` stands after the user, and he after one of these words.
fn follows_user(bytes: &[u8], start: usize, words: &[&[u8]]) -> bool {
    let floor = start.saturating_sub(FAR_ENOUGH);
    let user_end = run_back_of(bytes, floor, start, set!(|byte| is(byte, SPACE)));
    let user = run_back_of(bytes, floor, user_end, set!(|byte| !is(byte, SPACE)));
    let gap = run_back_of(bytes, floor, user, set!(|byte| is(byte, SPACE)));
    let word = run_back_of(bytes, floor, gap, set!(|byte| is(byte, LETTER)));
    user < user_end && user_end < start && bytes.get(word..gap).is_some_and(|word| words.contains(&word))
}

/// What a person makes up where a rule asks for it: capitals, small letters and digits.
fn looks_chosen(text: &str) -> bool {
    let has = |kind: fn(&u8) -> bool| text.bytes().any(|byte| kind(&byte));
    text.len() >= 8 && has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_digit)
}

/// Inside of a further quoted text after a comma.
fn another(bytes: &[u8], end: usize, quote: Quote) -> Option<usize> {
    let next = run_of(bytes, end, set!(|byte| byte == b' '));
    if at(bytes, next) != b',' {
        return None;
    }
    let next = run_of(bytes, next + 1, set!(|byte| byte == b' '));
    Quote::opening(bytes, next)
        .filter(|(found, _)| *found == quote)
        .map(|(_, inside)| inside)
}

/// `password for bob is x`: behind the connector after whose password it is.
fn after_owner(bytes: &[u8], from: usize) -> Option<usize> {
    let window = bytes.get(..from + FAR_ENOUGH).unwrap_or(bytes);
    let mut owner = run_of(window, from, set!(|byte| byte == b' '));
    for kind in ["user ", "account ", "role ", "key ", "file "] {
        if follows(window, owner, kind) {
            owner += kind.len();
        }
    }
    let end = run_of(window, owner, set!(|byte| !is(byte, SPACE) && byte != b':'));
    let verb = run_of(window, end, set!(|byte| byte == b' '));
    let connected = at(bytes, end) == b':'
        || follows(bytes, verb, "is ")
        || follows(bytes, verb, "is:")
        || follows(bytes, verb, "was ");
    connected.then(|| if at(bytes, end) == b':' { end } else { verb })
}

fn looks_like_setting(text: &str) -> bool {
    let bytes = text.as_bytes();
    let name = run_of(
        bytes,
        0,
        set!(|byte| is(byte, ALNUM) || matches!(byte, b'_' | b'-' | b'.')),
    );
    name > 0 && at(bytes, name) == b'=' && name + 2 < bytes.len() && at(bytes, name + 1) != b'='
}

#[cfg(test)]
mod tests {
    use super::super::redact;

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
            ("bindpw X", "bindpw ********"),
            ("tried AUTH app X", "tried AUTH app ********"),
            (
                "machine h login a password hunter",
                "machine h login a password ********",
            ),
            ("Password for user svc: X", "Password for user svc: ********"),
            (
                "Enter passphrase for key /k/id: X",
                "Enter passphrase for key /k/id: ********",
            ),
            ("Unseal Key 1: XXX", "Unseal Key 1: ********"),
            ("ftp user bob pass X ok", "ftp user bob pass ******** ok"),
            ("password set to Zebra-Lamp-77", "password set to ********"),
            ("session id X expired", "session id ******** expired"),
            ("jwt X", "jwt ********"),
            ("recovery code X", "recovery code ********"),
            ("password <X>", "password <********>"),
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
            "Get \"https://h/?a=1\": context deadline exceeded",
            "password set to expire in 30 days",
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
            "session 12 of 20",
            "session store redis-7.2",
            "signature verified in 12ms",
            "cache key user:42:profile",
            "password must be at least 8 characters",
            "KeyError: 'name'",
            "passed: 14, failed: 0",
            "user bob pass 12 of 20",
            "Primary Key 1: orders_by_customer_and_day",
            "step 1: a1B2c3D4e5F6a1B2c3D4e5F6",
            "checks of release 1a2b3c4d5e pass 4f5e6d7c8b9a",
        ] {
            assert_eq!(redact(text), text);
        }
    }
}
