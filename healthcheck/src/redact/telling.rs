//! Words in a sentence after which a secret may follow.

use super::bytes::{LETTER, NAME, at, before, follows, in_order, is, lower_case, run_back_of, set};
use super::families;
use super::names::{Family, Verdict};
use super::scan::Scan;
use super::sieve::{Endings, Sieve, of_table};

/// How much a word says about the one after it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tells {
    /// Whatever follows is the secret: directives of configuration files.
    Always,
    /// What follows in quotes, or looks as if drawn.
    Password,
    /// What follows and looks as if drawn.
    Token,
    /// The same, after one of [`QUALITIES`] only: "primary key 7" is none.
    Key,
    /// The same, after a user only: `user bob pass x`, and not "pass 3".
    OfUser,
}

/// Lower-case and sorted.
#[rustfmt::skip]
pub(super) const WORDS: &[(&str, Tells)] = &[
    ("accesskey", Tells::Token), ("apikey", Tells::Token), ("auth", Tells::Token), ("bearer", Tells::Token),
    ("community", Tells::Token), ("contraseña", Tells::Password), ("cred", Tells::Token),
    ("credential", Tells::Token), ("credentials", Tells::Token), ("creds", Tells::Token),
    ("identified by", Tells::Password), ("kennwort", Tells::Password), ("key", Tells::Key),
    ("masterauth", Tells::Always), ("otp", Tells::Token), ("pass", Tells::OfUser),
    ("passcode", Tells::Password), ("passphrase", Tells::Password), ("passwd", Tells::Password), ("password", Tells::Password),
    ("passwords", Tells::Password), ("passwort", Tells::Password), ("pw", Tells::Password),
    ("pwd", Tells::Password), ("requirepass", Tells::Always), ("rootpw", Tells::Always),
    ("secret", Tells::Token), ("secretkey", Tells::Token), ("secrets", Tells::Token),
    ("senha", Tells::Password), ("token", Tells::Token), ("tokens", Tells::Token),
    ("wachtwoord", Tells::Password),
];

static TELLING: Sieve = of_table!(Sieve: WORDS.0);

/// How the words end, and the "by" of "identified by x".
pub(super) static ENDINGS: Endings = of_table!(Endings: WORDS.0).with("by");

/// What makes a key one that opens something.
#[rustfmt::skip]
const QUALITIES: &[&str] = &[
    "access", "account", "admin", "api", "app", "auth", "client", "encryption", "isakmp", "license",
    "licence", "master", "private", "radius", "radius-server", "secret", "server", "service", "shared",
    "signing", "ssh", "storage", "subscription", "webhook",
];

pub(super) const LONGEST_WORD: usize = 16;
const LONGEST_NAME: usize = 48;
/// Where a secret must have begun at the latest, after connectors.
pub(super) const FAR_ENOUGH: usize = 40;

/// A word that as a name would be that of a secret: `bindpw x`, `session id x`. Asked only where what follows has digits.
pub(super) fn telling_name(scan: &Scan<'_>, end: usize) -> Option<Tells> {
    let bytes = scan.bytes;
    let start = run_back_of(
        bytes,
        end.saturating_sub(LONGEST_NAME),
        end,
        set!(|byte| is(byte, NAME)),
    );
    let name = scan.part(start, end);
    if matches!(
        name,
        "key" | "keys" | "Key" | "Keys" | "KEYS" | "key:" | "pass" | "passes" | "private" | "sid" | "login"
    ) {
        return None;
    }
    let verdict = match scan.rules.verdict(name) {
        // `recovery code x`
        Verdict::Shown if before(bytes, start) == b' ' && families::may_end_pair(name) => {
            let first = run_back_of(
                bytes,
                (start - 1).saturating_sub(LONGEST_WORD),
                start - 1,
                set!(|byte| is(byte, NAME)),
            );
            match scan.rules.verdict(scan.part(first, end)) {
                strong @ Verdict::Of(Family::Strong)
                    if scan.rules.verdict(scan.part(first, start - 1)) != strong =>
                {
                    strong
                }
                _ => Verdict::Shown,
            }
        }
        verdict => verdict,
    };
    match verdict {
        Verdict::Fragment { telling: true } | Verdict::Of(Family::Strong | Family::Weak) => {
            Some(Tells::Token)
        }
        _ => None,
    }
}

pub(super) fn telling(scan: &Scan<'_>, start: usize, end: usize) -> Option<Tells> {
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
        // `IDENTIFIED WITH mysql_native_password BY 'x'`
        let floor = start.saturating_sub(FAR_ENOUGH);
        return (floor..start)
            .any(|place| follows(bytes, place, "identified "))
            .then_some(Tells::Password);
    }
    let mut room = [0; LONGEST_WORD];
    let lower = lower_case(word, &mut room)?;
    if !TELLING.may_have(lower) {
        return None;
    }
    let found = WORDS.binary_search_by(|(known, _)| in_order(known, lower)).ok()?;
    let (_, tells) = WORDS.get(found)?;
    match tells {
        Tells::Key => {
            let gap = start
                .checked_sub(1)
                .filter(|gap| matches!(at(bytes, *gap), b' ' | b'-' | b'_'))?;
            let quality = run_back_of(
                bytes,
                gap.saturating_sub(LONGEST_WORD),
                gap,
                set!(|byte| is(byte, LETTER)),
            );
            let quality = scan.part(quality, gap);
            QUALITIES
                .iter()
                .any(|known| known.eq_ignore_ascii_case(quality))
                .then_some(Tells::Token)
        }
        tells => Some(*tells),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_fits() {
        assert!(WORDS.is_sorted_by(|(one, _), (other, _)| one < other));
        assert!(WORDS.iter().all(|(word, _)| word.len() <= LONGEST_WORD));
    }
}
