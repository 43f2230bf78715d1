//! Recognises values that are never secret, and words that look randomly generated.

use super::bytes::*;
use super::words::{NOT_DRAWN, NUMBERED, SETTING, STATE, TRUTH, UNIT, means};

/// Returns whether a value is empty, or whether this or another redactor has already masked it.
pub(super) fn is_masked(value: &str) -> bool {
    let inner = trimmed(value, b"[<(", b"").as_bytes();
    let says = |word: &str| begins(inner, word.as_bytes()) && !is(at(inner, word.len()), ALNUM);
    all(value, 0, b"*") || value == "…" || ["redacted", "filtered", "masked", "hidden"].into_iter().any(says)
}

/// Returns whether a value is a placeholder for a secret: `${DB_PASSWORD}`, `{{ password }}`, `<password>`,
/// `$PASSWORD`, `%s`.
pub(super) fn is_placeholder(value: &str) -> bool {
    let wraps = |(open, close): &(&str, &str)| {
        let inside = value.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
        inside.is_some_and(|inside| {
            !inside.is_empty() && all(inside, ALNUM, b"_-. :?") && !looks_random(inside, 8)
        })
    };
    const WRAPPERS: [(&str, &str); 5] = [("${{", "}}"), ("${", "}"), ("$(", ")"), ("{{", "}}"), ("<", ">")];
    let is_variable = |name: &str| !name.is_empty() && all(name, UPPER | DIGIT, b"_");
    let may_be = starts(value, b"${<%_");
    let format = matches!(value, "%s" | "%v" | "%q" | "{}" | "{:?}" | "_");
    may_be && (format || value.strip_prefix('$').is_some_and(is_variable) || WRAPPERS.iter().any(wraps))
}

/// Returns whether a value is empty, a boolean or a null, in any common spelling.
pub(super) fn is_truth(value: &str) -> bool {
    value.is_empty() || means(value, TRUTH)
}

/// Returns whether a value describes the state of a secret: `password: required`, `(using password: YES)`,
/// `token=expired`.
pub(super) fn is_state(value: &str) -> bool {
    means(trimmed(value, b"", b".!?"), STATE)
}

/// Returns whether a value looks like a path of the file system. A password may also begin with a slash, so a value
/// with a random part doesn't count as a path.
pub(super) fn is_path(value: &str) -> bool {
    let rooted = match value.as_bytes() {
        [b'/', ..] | [b'.' | b'~', b'/', ..] | [b'.', b'.', b'/', ..] | [b'\\', b'\\', ..] => true,
        [_, b':', b'\\' | b'/', ..] => true,
        [b'a', b'r', b'n', b':', ..] => return true,
        _ => value.starts_with("file:") || value.starts_with("unix:/"),
    };
    let is_drawn =
        |part: &str| part.ends_with('=') || has(part, b"+") || !has(part, b".") && looks_random(part, 6);
    rooted && value.len() <= 256 && !parts(value, b"/\\").any(is_drawn)
}

/// Returns whether a value consists of URLs, networks or hosts, perhaps with ports.
fn is_location(value: &str) -> bool {
    let is_label =
        |label: &str| !label.is_empty() && all(label, LOWER | DIGIT, b"-") && !looks_random(label, 8);
    let is_one = |part: &str| {
        let numeric = all(part, DIGIT, b".:/") && has(part, b".:");
        let (host, port) = split_at(part, b':').unwrap_or((part, ""));
        let named = has(host, b".") || !port.is_empty() || host == "localhost";
        numeric || named && all(port, DIGIT, b"") && parts(host, b".").all(is_label)
    };
    parts(value, b",").all(is_one)
}

/// Returns whether a value of a name such as `AUTH` or `SESSION` is a setting and not a secret.
pub(super) fn is_setting(value: &str) -> bool {
    value.len() <= 256
        && (value.is_empty()
            || means(value, TRUTH | STATE | SETTING)
            || is_number(value)
            || is_masked(value)
            || is_placeholder(value)
            || is_path(value)
            || is_location(value)
            || has_address(value))
}

/// Returns whether a value is a number of up to five digits, perhaps with a unit. Counts, ports and durations are such
/// numbers.
pub(super) fn is_short_number(value: &str) -> bool {
    let digits = value.bytes().take_while(|byte| is(*byte, DIGIT)).count();
    (1..=5).contains(&digits)
        && (digits == value.len() || means(&value[digits..], UNIT) || &value[digits..] == "%")
}

/// Returns whether a value is a short number, a negative number, or a hexadecimal number such as `0x34ed9ac1`. Logs are
/// full of such numbers.
pub(super) fn is_number(value: &str) -> bool {
    value.strip_prefix('-').is_some_and(|rest| all(rest, DIGIT, b""))
        || is_short_number(value)
        || is_address_in_memory(value)
}

fn is_address_in_memory(value: &str) -> bool {
    let hex = value.strip_prefix("0x").unwrap_or_default();
    (1..=16).contains(&hex.len()) && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Returns whether a value is a count or a list of small numbers. Plural names, such as `secrets` and `pins`, often
/// have such values.
pub(super) fn is_count(value: &str) -> bool {
    parts(value, b", ").all(|part| is_short_number(part) && part.len() <= 4)
}

pub(super) fn is_uuid(word: &str) -> bool {
    let fits = |(place, byte)| match place {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => u8::is_ascii_hexdigit(&byte),
    };
    word.len() == 36 && word.bytes().enumerate().all(fits)
}

/// Counts the pairs of adjacent letters in which one is lower-case and the other is a capital.
fn case_changes(word: &[u8]) -> usize {
    let changes = |two: &&[u8]| {
        two[0].is_ascii_alphabetic() && two[1].is_ascii_alphabetic() && (two[0] ^ two[1]) & 0x20 != 0
    };
    word.windows(2).filter(changes).count()
}

/// Returns whether a word has at least `shortest` characters and looks randomly generated, for example because it mixes
/// digits and letters. Identifiers, versions, memory addresses and paths don't look random.
#[inline(never)]
pub(super) fn looks_random(word: &str, shortest: usize) -> bool {
    if word.len() < shortest {
        return false;
    }
    if is_uuid(word) {
        return true;
    }
    let bytes = &word.as_bytes()[..word.len().min(256)];
    let (mut digits, mut letters) = (0, 0);
    for byte in bytes {
        if !byte.is_ascii_graphic() {
            return false;
        }
        digits += usize::from(is(*byte, DIGIT));
        letters += usize::from(byte.is_ascii_alphabetic());
    }
    if letters == 0 || digits == 0 && letters < 16 {
        return false;
    }
    let word = word.get(..bytes.len()).unwrap_or(word);
    if digits == 0 {
        return case_changes(bytes) >= 5 && bytes.len() - letters <= 2 && !is_path_of_names(word);
    }
    !(is_identifier(word) || is_version(word) || is_address_in_memory(word) || is_path_of_names(word))
}

fn is_path_of_names(word: &str) -> bool {
    has(word, b"/") && parts(word, b"/").all(|part| is_identifier(part) || is_version(part))
}

/// Returns whether a word may be a secret of only letters, such as `ABCDEFGHIJKLMNOPQRSTUVWX`.
///
/// Such a word has at least 20 letters and no other characters. Either all its letters have the same case, or at least
/// 8 adjacent letters are capitals.
pub(super) fn is_long_run_of_letters(word: &str) -> bool {
    let bytes = word.as_bytes();
    let longest_of_capitals = bytes
        .split(|byte| !byte.is_ascii_uppercase())
        .map(<[u8]>::len)
        .max();
    bytes.len() >= 20
        && bytes.iter().all(u8::is_ascii_alphabetic)
        && (case_changes(bytes) == 0 || longest_of_capitals >= Some(8))
}

/// Returns whether a word is a version or a date: `1.2.3-rc1`, `v15.4`, `2024-05-01T12:30:00Z`.
fn is_version(word: &str) -> bool {
    let word = trimmed(word, b"vV", b"");
    let fits = |part: &str| {
        part.len() <= 5 || all(part, DIGIT, b"") || part.starts_with("alp") || part.starts_with("beta")
    };
    word.as_bytes().first().is_some_and(|first| is(*first, DIGIT))
        && has(word, b".:-")
        && parts(word, b".:-+_").all(fits)
}

/// Returns whether a word is an identifier, such as `db-prod-01`, `utf8mb4` or `sha256`. An identifier consists of
/// parts with separators between them, and each part has at most a few digits at its end.
#[inline(never)]
fn is_identifier(word: &str) -> bool {
    let digits_at_end = |part: &[u8]| part.iter().rev().take_while(|byte| is(**byte, DIGIT)).count();
    let is_plain = |part: &[u8]| {
        let digits = digits_at_end(part);
        let letters = &part[..part.len() - digits];
        letters.iter().all(u8::is_ascii_alphabetic)
            && (digits <= 2
                || letters.is_empty() && digits <= 4
                || digits <= 5 && std::str::from_utf8(letters).is_ok_and(|letters| means(letters, NUMBERED)))
            && (letters.len() < 5 || case_changes(letters) <= 3)
    };
    let separates = |byte: &u8| b"-_.@,()[]:".contains(byte);
    let bytes = word.as_bytes();
    bytes.len() <= 64 && digits_at_end(bytes) < 6 && bytes.split(separates).all(is_plain)
        || means(word, NOT_DRAWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawn_words_are_told_from_made_ones() {
        for word in [
            concat!("FAKE", "0012ab34cd"),
            concat!("3f9a", "c1d2e4b5"),
            concat!("Xk39q", "LmZ"),
            concat!("aBcDeFgHiJ", "kLmNoPqRsT"),
            "58e6b3a414a1e090dfc6029add0f3555ccba127f",
            "11111111-2222-4333-8444-555555555555",
        ] {
            assert!(looks_random(word, 8), "{word}");
        }
        for word in [
            "expired",
            "db-prod-01",
            "us-east-1",
            "v1.2.3-rc1",
            "2024-05-01T12:30:00Z",
            "utf8mb4",
            "x86_64",
            "1234567890",
            "/var/lib/app2/data.json",
            "checks/db2.rs",
            "postgres-0",
            "127.0.0.1:8080",
            "AlmostCamelCase",
            "short1",
            "0x34ed9ac1c1e005e",
            "ssh-ed25519",
            "HS256-signed",
        ] {
            assert!(!looks_random(word, 8), "{word}");
        }
    }

    #[test]
    fn settings_are_told_from_secrets() {
        for value in [
            "",
            "true",
            "No",
            "ldap",
            "CRAM-MD5",
            "300",
            "-127633188",
            "24h",
            "/var/run/secrets/token",
            "./x.pem",
            "C:\\keys\\a.pem",
            "10.0.0.5",
            "10.0.0.0/8",
            "db.internal:5432",
            "localhost",
            "https://login.example.com/",
            "${AUTH}",
            "********",
            "[Filtered]",
            "<secret>",
            "expired",
            "arn:aws:secretsmanager:eu-1:123456789012:secret:app",
        ] {
            assert!(is_setting(value), "{value}");
        }
        for value in [
            "hunter2",
            "FAKE0012ab34cd",
            "123456",
            "/aB3xK9zQ",
            "a.b.c8f7e6d5c4b3a2",
            "swordfish",
            "$ecret",
        ] {
            assert!(!is_setting(value), "{value}");
        }
    }
}
