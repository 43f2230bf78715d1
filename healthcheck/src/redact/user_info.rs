//! `user:password@host` without a scheme, as in Go's DSNs and in what people paste into a variable.

use super::bytes::{
    ALNUM, DIGIT, LETTER, Set, at, before, each_of, follows, in_order, is, lower_case, run_back_of, run_of,
    set,
};
use super::entropy::looks_random;
use super::scan::Scan;
use super::settings::{is_masked, is_placeholder};
use super::sieve::{Sieve, of_table};

/// What stands before a colon and a package, an image or an address of mail, and is no user. Sorted.
#[rustfmt::skip]
const SCHEMES: &[&str] = &[
    "acct", "cargo", "docker", "gem", "git", "image", "jar", "jdbc", "jsr", "k8s", "link", "mailto", "npm",
    "oci", "odbc", "patch", "pkg", "portal", "pypi", "serviceaccount", "sip", "sips", "ssh", "tel", "urn",
    "workspace", "xmpp",
];

/// What stands before an address of mail in a list of fields. Sorted.
#[rustfmt::skip]
const LABELS: &[&str] = &[
    "account", "address", "as", "author", "bcc", "by", "cc", "committer", "contact", "e-mail", "email",
    "emails", "file", "from", "id", "login", "mail", "maintainer", "member", "operator", "owner", "reply-to",
    "sender", "support", "target", "to", "upn", "user", "username", "users",
];

static NAMES: Sieve = of_table!(Sieve: SCHEMES, LABELS);

/// What stands behind the `@` in Go's DSNs.
const NETWORKS: &[&str] = &["tcp(", "tcp6(", "udp(", "unix("];

const LONGEST_USER: usize = 64;
const LONGEST: usize = 512;

pub(super) fn find(scan: &mut Scan<'_>) {
    let bytes = scan.bytes;
    let mut word = 0;
    let mut previous = 0;
    let mut hidden = 0;
    for sign in each_of(bytes, set!(|byte| byte == b'@')) {
        let start = run_back_of(bytes, previous, sign, INSIDE);
        if start > previous {
            word = start;
        }
        previous = sign + 1;
        let dialled = NETWORKS.iter().any(|network| follows(bytes, sign + 1, network));
        if dialled {
            // Only space ends a DSN of Go before its network.
            word = run_back_of(
                bytes,
                sign.saturating_sub(LONGEST).max(hidden),
                sign,
                set!(|byte| byte > b' ' && byte != b'"'),
            );
            // `dsn=svc:password@tcp(…)`: no user has a name and a sign in it.
            let user = run_of(bytes, word, set!(|byte| byte != b':' && byte != b'@'));
            word = run_back_of(bytes, word, user, set!(|byte| byte != b'='));
        }
        if let Some(password) = password_before(scan, word, sign, dialled) {
            scan.spans.hide(password..sign);
            word = sign + 1;
            hidden = word;
        }
    }
}

/// What no user and no password has, unless it is dialled.
const INSIDE: &Set = set!(|byte| !(byte <= b' '
    || matches!(
        byte,
        b'"' | b'\'' | b'`' | b'=' | b',' | b'(' | b'<' | b'>' | b'[' | b'{' | b'|' | b'\\'
    )));

fn password_before(scan: &Scan<'_>, word: usize, sign: usize, dialled: bool) -> Option<usize> {
    let bytes = scan.bytes;
    if sign - word > LONGEST {
        return None;
    }
    // `sip:1001:password@host`: behind the scheme it is the same.
    let scheme = ["sip:", "sips:", "xmpp:"]
        .iter()
        .find(|scheme| follows(bytes, word, scheme));
    let word = word + scheme.map_or(0, |scheme| scheme.len());
    let head = bytes.get(word..sign.min(word + LONGEST_USER + 1))?;
    let colon = word + memchr::memchr(b':', head)?;
    let user = scan.part(word, colon);
    let password = scan.part(colon + 1, sign);
    let plausible = (dialled || !password.contains(']'))
        && user
            .bytes()
            .all(|byte| is(byte, ALNUM) || matches!(byte, b'_' | b'.' | b'%' | b'+' | b'-' | b'~' | b'$'))
        && (user.is_empty() || scheme.is_some() || user.bytes().any(|byte| is(byte, LETTER)));
    if !plausible
        || password.is_empty()
        || password.starts_with("//")
        || is_masked(password)
        || is_placeholder(password)
    {
        return None;
    }
    let mut room = [0; LONGEST_USER];
    let lower = lower_case(user.as_bytes(), &mut room)?;
    let known = |table: &[&str]| {
        NAMES.may_have(lower) && table.binary_search_by(|known| in_order(known, lower)).is_ok()
    };
    if known(SCHEMES) {
        return None;
    }
    let label = known(LABELS);
    let host = sign + 1;
    if dialled {
        return Some(colon + 1);
    }
    let host_end = run_of(
        bytes,
        host,
        set!(|byte| is(byte, ALNUM) || matches!(byte, b'.' | b'-' | b'_')),
    );
    let host_name = scan.part(host, host_end);
    if host_name.is_empty() && at(bytes, host) == b'/' && is(at(bytes, host + 1), LETTER) && !user.is_empty()
    {
        // Go's DSN without a network.
        return Some(colon + 1);
    }
    if host_name.is_empty()
        || matches!(host_name, "sha256" | "sha512")
        || host_name.starts_with('.')
        || is_version(host_name)
    {
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

/// `wasi:http/proxy@0.2.0`; an address has four numbers.
fn is_version(host: &str) -> bool {
    let mut numbers = host.split('.').map(|number| number.parse::<u32>().is_ok());
    numbers.clone().count() == 3 && numbers.all(|is_number| is_number)
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
            (
                "FATAL dsn=svc:X@tcp(db:3306)/app",
                "FATAL dsn=svc:********@tcp(db:3306)/app",
            ),
            ("--dsn=svc:p=X@unix(/s)/app", "--dsn=svc:********@unix(/s)/app"),
            ("svc:p@X@tcp(db:3306)/app", "svc:********@tcp(db:3306)/app"),
            (":X@redis:6379", ":********@redis:6379"),
            ("user:X@/db", "user:********@/db"),
            ("user:X@h:5432", "user:********@h:5432"),
            ("dsn=svc:X@db/app", "dsn=svc:********@db/app"),
            ("sip:1001:X@pbx.example.com", "sip:1001:********@pbx.example.com"),
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
            "wasi:http/proxy@0.2.0",
            "sip:1001@pbx.example.com",
            "at 12:30 ops@example.com",
            "user@host:/path",
            "redis:7.2@sha256:00ff",
        ] {
            assert_eq!(redact(text), text);
        }
    }
}
