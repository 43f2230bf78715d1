//! `user:password@host` without a scheme, as in Go's DSNs and in what people paste into a variable.

use super::bytes::{ALNUM, DIGIT, LETTER, at, before, is, run_back, run_while};
use super::entropy::looks_random;
use super::scan::Scan;
use super::settings::{is_masked, is_placeholder};
use super::sieve::Sieve;

/// What stands before a colon and a package, an image or an address of mail, and is no user. Sorted.
const SCHEMES: &[&str] = &[
    "acct",
    "cargo",
    "docker",
    "gem",
    "git",
    "image",
    "jar",
    "jdbc",
    "jsr",
    "k8s",
    "link",
    "mailto",
    "npm",
    "oci",
    "odbc",
    "patch",
    "pkg",
    "portal",
    "pypi",
    "serviceaccount",
    "sip",
    "sips",
    "ssh",
    "tel",
    "urn",
    "workspace",
    "xmpp",
];

/// What stands before an address of mail in a list of fields. Sorted.
const LABELS: &[&str] = &[
    "account",
    "address",
    "as",
    "author",
    "bcc",
    "by",
    "cc",
    "committer",
    "contact",
    "e-mail",
    "email",
    "emails",
    "file",
    "from",
    "id",
    "login",
    "mail",
    "maintainer",
    "member",
    "operator",
    "owner",
    "reply-to",
    "sender",
    "support",
    "target",
    "to",
    "upn",
    "user",
    "username",
    "users",
];

static NAMES: Sieve = {
    let mut sieve = Sieve::of(SCHEMES);
    let mut index = 0;
    while index < LABELS.len() {
        sieve = sieve.with(LABELS[index]);
        index += 1;
    }
    sieve
};

const LONGEST_USER: usize = 64;
const LONGEST: usize = 512;

pub(super) fn find(scan: &mut Scan<'_>) {
    let bytes = scan.bytes;
    let mut word = 0;
    let mut previous = 0;
    for (sign, byte) in bytes.iter().enumerate() {
        if *byte != b'@' {
            continue;
        }
        let start = run_back(bytes, previous, sign, |byte| !is_boundary(byte));
        if start > previous {
            word = start;
        }
        previous = sign + 1;
        if let Some(password) = password_before(scan, word, sign) {
            scan.spans.hide(password..sign);
            word = sign + 1;
        }
    }
}

fn is_boundary(byte: u8) -> bool {
    byte <= b' '
        || matches!(
            byte,
            b'"' | b'\'' | b'`' | b'=' | b',' | b'(' | b'<' | b'>' | b'[' | b'{' | b'|' | b'\\'
        )
}

fn password_before(scan: &Scan<'_>, word: usize, sign: usize) -> Option<usize> {
    let bytes = scan.bytes;
    if sign - word > LONGEST {
        return None;
    }
    let head = bytes.get(word..sign.min(word + LONGEST_USER + 1))?;
    let colon = word + memchr::memchr(b':', head)?;
    let user = scan.part(word, colon);
    let password = scan.part(colon + 1, sign);
    let plausible = !password.contains(']')
        && user
            .bytes()
            .all(|byte| is(byte, ALNUM) || matches!(byte, b'_' | b'.' | b'%' | b'+' | b'-' | b'~' | b'$'))
        && (user.is_empty() || user.bytes().any(|byte| is(byte, LETTER)));
    if !plausible
        || password.is_empty()
        || password.starts_with("//")
        || is_masked(password)
        || is_placeholder(password)
    {
        return None;
    }
    let mut lower = [0; LONGEST_USER];
    let lower = lower.get_mut(..user.len())?;
    lower.copy_from_slice(user.as_bytes());
    lower.make_ascii_lowercase();
    let known = |table: &[&str]| {
        NAMES.may_have(lower)
            && table
                .binary_search_by(|known| known.as_bytes().cmp(lower))
                .is_ok()
    };
    if known(SCHEMES) {
        return None;
    }
    let label = known(LABELS);
    let host = sign + 1;
    if ["tcp(", "unix(", "udp(", "tcp6("]
        .iter()
        .any(|network| super::bytes::follows(bytes, host, network))
    {
        return Some(colon + 1);
    }
    let host_end = run_while(bytes, host, |byte| {
        is(byte, ALNUM) || matches!(byte, b'.' | b'-' | b'_')
    });
    let host_name = scan.part(host, host_end);
    if host_name.is_empty() && at(bytes, host) == b'/' && is(at(bytes, host + 1), LETTER) && !user.is_empty()
    {
        // Go's DSN without a network.
        return Some(colon + 1);
    }
    if host_name.is_empty() || matches!(host_name, "sha256" | "sha512") || host_name.starts_with('.') {
        return None;
    }
    let port = at(bytes, host_end) == b':' && is(at(bytes, host_end + 1), DIGIT);
    let path = at(bytes, host_end) == b'/';
    let certain =
        port || path || host_name == "localhost" || host_name.contains('.') && !user.is_empty() && !label;
    // `image:1.2@host` names a version, and a digest's digits are no port.
    let version = password.bytes().all(|byte| is(byte, DIGIT) || byte == b'.');
    ((certain && !version || looks_random(password, 6)) && before(bytes, word) != b'/').then_some(colon + 1)
}

#[cfg(test)]
mod tests {
    use super::super::redact;
    use super::{LABELS, SCHEMES};

    #[test]
    fn the_tables_are_sorted() {
        for table in [LABELS, SCHEMES] {
            assert!(table.is_sorted_by(|one, other| one < other));
        }
    }

    #[test]
    fn passwords_go_without_a_scheme_too() {
        let x = concat!("FAKE", "00ab12cd");
        for (text, expected) in [
            ("svc:X@db.internal:5432/app", "svc:********@db.internal:5432/app"),
            ("svc:X@tcp(db:3306)/app", "svc:********@tcp(db:3306)/app"),
            ("svc:p@X@tcp(db:3306)/app", "svc:********@tcp(db:3306)/app"),
            (":X@redis:6379", ":********@redis:6379"),
            ("user:X@/db", "user:********@/db"),
            ("user:X@h:5432", "user:********@h:5432"),
            ("dsn=svc:X@db/app", "dsn=svc:********@db/app"),
        ] {
            assert_eq!(redact(&text.replace('X', x)), expected);
        }
    }

    #[test]
    fn mail_images_and_packages_stay() {
        for text in [
            "mailto:ops@example.com",
            "Contact:ops@example.com",
            "git@github.com:a/b.git",
            "a@b.c",
            "registry.example.com/app:1.2@sha256:0123456789abcdef",
            "pkg:npm/left@1.2.3",
            "npm:left-pad@1.0.0",
            "at 12:30 ops@example.com",
            "user@host:/path",
            "redis:7.2@sha256:00ff",
        ] {
            assert_eq!(redact(text), text);
        }
    }
}
