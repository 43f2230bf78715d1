//! Whether a word looks as if a machine had drawn it.

use super::bytes::{DIGIT, HEX, LETTER, is};

/// At least `shortest` characters without space that mix digits and letters as identifiers, versions, dates and
/// host names don't. Only asked beside a telling word: alone, a commit id looks just the same.
pub(super) fn looks_random(word: &str, shortest: usize) -> bool {
    if word.len() < shortest || !word.bytes().all(|byte| byte.is_ascii_graphic()) {
        return false;
    }
    let looked_at = word.get(..word.len().min(256)).unwrap_or(word);
    if is_uuid(looked_at) {
        return true;
    }
    if is_version(looked_at) || is_path_of_words(looked_at) {
        return false;
    }
    let counts = Counts::of(looked_at);
    if counts.digits > 0 && counts.letters > 0 {
        return !is_identifier(looked_at);
    }
    // Letters only: nobody writes words with capitals in the middle of them again and again.
    counts.letters >= 16 && counts.flips >= 5 && counts.lower > 0 && counts.upper > 0 && counts.other <= 2
}

struct Counts {
    digits: usize,
    letters: usize,
    lower: usize,
    upper: usize,
    other: usize,
    /// How often a capital follows a small letter or the other way round.
    flips: usize,
}

impl Counts {
    fn of(word: &str) -> Self {
        let mut counts = Self {
            digits: 0,
            letters: 0,
            lower: 0,
            upper: 0,
            other: 0,
            flips: 0,
        };
        let mut previous = 0;
        for byte in word.bytes() {
            if is(byte, DIGIT) {
                counts.digits += 1;
            } else if is(byte, LETTER) {
                counts.letters += 1;
                if byte.is_ascii_lowercase() {
                    counts.lower += 1;
                } else {
                    counts.upper += 1;
                }
                if is(previous, LETTER) && (previous ^ byte) & 0x20 != 0 {
                    counts.flips += 1;
                }
            } else {
                counts.other += 1;
            }
            previous = byte;
        }
        counts
    }
}

pub(super) fn is_uuid(word: &str) -> bool {
    word.len() == 36
        && word.bytes().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => is(byte, HEX),
        })
}

/// `1.2.3-rc1`, `v15.4`, `2024-05-01T12:30:00Z`, `12:30:00.123`: digits with separators and at most a few letters.
fn is_version(word: &str) -> bool {
    let digits = word.trim_start_matches(['v', 'V']);
    digits.bytes().next().is_some_and(|byte| is(byte, DIGIT))
        && digits.contains(['.', ':', '-'])
        && digits.split(['.', ':', '-', '+', '_']).all(|part| {
            part.bytes().all(|byte| is(byte, DIGIT))
                || part.len() <= 5
                || matches!(
                    part.trim_end_matches(|character: char| character.is_ascii_digit()),
                    "alpha" | "beta" | "alpine"
                )
        })
}

/// `checks/db.rs`, `/var/lib/app2/data.json`: words between slashes.
fn is_path_of_words(word: &str) -> bool {
    word.contains('/')
        && word
            .split('/')
            .all(|segment| is_identifier(segment) || is_version(segment))
}

/// Words joined by separators, each with a few digits at its end at most: `db-prod-01`, `us-east-1`, `utf8mb4`,
/// `x86_64`, `sha256`.
fn is_identifier(word: &str) -> bool {
    matches!(
        word,
        "utf8mb4" | "utf8mb3" | "base64url" | "x509v3" | "pbkdf2_sha256" | "i18n" | "k8s"
    ) || word
        .split(['-', '_', '.', '@', ',', '(', ')', '[', ']', ':'])
        .all(|part| {
            let letters = part.trim_end_matches(|character: char| character.is_ascii_digit());
            let digits = part.len() - letters.len();
            let plain = letters.bytes().all(|byte| is(byte, LETTER)) && flips(letters) <= 3;
            let numbered = [
                "sha", "port", "p", "es", "rs", "ps", "hs", "ed", "secp", "x", "utf", "aes", "rsa", "iso",
            ];
            plain
                && (digits <= 2
                    || letters.is_empty() && digits <= 4
                    || digits <= 5 && numbered.iter().any(|known| known.eq_ignore_ascii_case(letters)))
        })
        && word.len() <= 64
        && word.len()
            - word
                .trim_end_matches(|character: char| character.is_ascii_digit())
                .len()
            < 6
}

fn flips(word: &str) -> usize {
    Counts::of(word).flips
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
            "ssh-ed25519",
            "HS256-signed",
        ] {
            assert!(!looks_random(word, 8), "{word}");
        }
    }
}
