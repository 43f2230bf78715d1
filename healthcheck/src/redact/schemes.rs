//! Credentials after the name of their scheme, as in an `Authorization` header: `Bearer x`, `Basic x`, `Digest …`.

use super::base64;
use super::bytes::{
    ALNUM, LETTER, SPACE, Set, at, before, each_of, follows, in_order, is, line_end, lower_case, run,
    run_back_of, run_of, run_while, set,
};
use super::entropy::looks_random;
use super::scan::Scan;
use super::settings::{is_masked, is_placeholder};
use super::sieve::{Endings, Sieve, of_table};

/// What comes after the scheme.
#[derive(Clone, Copy)]
enum Credentials {
    /// One word; the letters alone must look like a secret.
    Word,
    /// The same of schemes that are words like others: only where a header's value begins.
    First,
    /// `user:password` in base64.
    Pair,
    /// `username="…", response="…"` or `Credential=…, Signature=…`, to the end of the line.
    Parameters,
}

#[rustfmt::skip]
const SCHEMES: &[(&str, Credentials)] = &[
    ("api-key", Credentials::Word), ("apikey", Credentials::Word), ("aws", Credentials::First),
    ("aws4-hmac-sha256", Credentials::Parameters), ("basic", Credentials::Pair),
    ("bearer", Credentials::Word), ("bot", Credentials::First), ("cloudsearch", Credentials::Word),
    ("digest", Credentials::Parameters), ("dpop", Credentials::First), ("genie", Credentials::First),
    ("geniekey", Credentials::Word), ("googlelogin", Credentials::Parameters),
    ("hawk", Credentials::Parameters), ("hmac", Credentials::First), ("kerberos", Credentials::First),
    ("key", Credentials::First), ("klaviyo-api-key", Credentials::Word), ("negotiate", Credentials::Word),
    ("ntlm", Credentials::Word), ("oauth", Credentials::Parameters), ("pve", Credentials::First),
    ("sharedaccesssignature", Credentials::Parameters), ("sharedkey", Credentials::Word),
    ("sharedkeylite", Credentials::Word), ("signature", Credentials::Parameters),
    ("splunk", Credentials::First), ("ssws", Credentials::Word), ("token", Credentials::First),
];

static NAMES: Sieve = of_table!(Sieve: SCHEMES.0);

static ENDINGS: Endings = of_table!(Endings: SCHEMES.0);

const LONGEST_SCHEME: usize = 24;

pub(super) fn find(scan: &mut Scan<'_>) {
    let bytes = scan.bytes;
    let mut from = 0;
    for gap in each_of(bytes, set!(|byte| byte == b' ')) {
        let ends = || ENDINGS.may_have(before(bytes, gap.wrapping_sub(1)), before(bytes, gap));
        if gap < from || !ends() {
            continue;
        }
        let start = run_back_of(
            bytes,
            gap.saturating_sub(LONGEST_SCHEME),
            gap,
            set!(|byte| is(byte, ALNUM) || byte == b'-'),
        );
        if let Some(credentials) = credentials_of(bytes, start, gap)
            && let Some(end) = hide(scan, start, gap, credentials)
        {
            from = end;
        }
    }
}

/// What comes after the scheme between two places, if it is one.
fn credentials_of(bytes: &[u8], start: usize, end: usize) -> Option<Credentials> {
    let scheme = bytes.get(start..end)?;
    let mut room = [0; LONGEST_SCHEME];
    let lower = lower_case(scheme, &mut room).filter(|lower| lower.len() > 2)?;
    if !NAMES.may_have(lower) {
        return None;
    }
    let found = SCHEMES
        .binary_search_by(|(known, _)| in_order(known, lower))
        .ok()?;
    SCHEMES.get(found).map(|(_, credentials)| *credentials)
}

fn hide(scan: &mut Scan<'_>, scheme: usize, gap: usize, credentials: Credentials) -> Option<usize> {
    let bytes = scan.bytes;
    let start = run_of(bytes, gap, set!(|byte| byte == b' '));
    match credentials {
        Credentials::First if !begins_value(bytes, scheme) => None,
        Credentials::Word | Credentials::First => {
            let end = run_of(bytes, start, TOKEN);
            let text = scan.part(start, end);
            // In prose these names are words like others: "token 12 of 20", "bearer realm".
            let bearer = follows(bytes, scheme, "bearer")
                || follows(bytes, scheme, "ssws")
                || follows(bytes, scheme, "geniekey");
            let secret = looks_random(text, if bearer { 6 } else { 12 })
                || bearer && text.len() >= 20 && !text.contains('=');
            // `Bearer realm=…` asks for credentials.
            let asks = text.trim_end_matches('=').contains('=');
            (secret && !asks && !is_masked(text) && !is_placeholder(text)).then(|| {
                scan.spans.hide(start..end);
                end
            })
        }
        Credentials::Pair => {
            let end = run_of(bytes, start, TOKEN);
            let decoded = base64::decode(bytes.get(start..end)?)?;
            (decoded.contains(&b':') && decoded.iter().all(|byte| !byte.is_ascii_control())).then(|| {
                scan.spans.hide(start..end);
                end
            })
        }
        Credentials::Parameters => {
            let parameter = run(bytes, start, ALNUM | LETTER);
            let parameter = run_of(bytes, parameter, set!(|byte| is(byte, ALNUM) || byte == b'_'));
            let parameters =
                parameter > start && at(bytes, parameter) == b'=' && !follows(bytes, start, "realm");
            parameters.then(|| {
                let quoted = at(bytes, parameter + 1) == b'"';
                let line = line_end(bytes, start);
                let end = run_while(bytes.get(..line).unwrap_or(bytes), start, |byte| {
                    byte != b'\\' && byte != b'\'' && (byte != b'"' || quoted)
                });
                scan.spans.hide(start..end);
                end
            })
        }
    }
}

/// Whether the value of a header or a variable begins at a place.
fn begins_value(bytes: &[u8], start: usize) -> bool {
    let space = run_back_of(bytes, start.saturating_sub(2), start, set!(|byte| byte == b' '));
    matches!(before(bytes, space), 0 | b':' | b'=' | b'"' | b'\'' | b'\n')
}

const TOKEN: &Set = set!(|byte| is(byte, ALNUM)
    || matches!(
        byte,
        b'.' | b'_' | b'~' | b'+' | b'/' | b'=' | b'-' | b':' | b'|' | b'%'
    ));

/// Where the credentials begin if a known scheme stands at `start`.
pub(super) fn after_scheme(bytes: &[u8], start: usize) -> Option<usize> {
    let end = run_of(bytes, start, set!(|byte| is(byte, ALNUM) || byte == b'-'));
    (credentials_of(bytes, start, end).is_some() && at(bytes, end) == b' ')
        .then(|| run_of(bytes, end, set!(|byte| byte == b' ')))
}

/// Whether the quote at `quote` belongs to parameters as `Digest` has them.
pub(super) fn has_quoted_parameters(bytes: &[u8], start: usize, quote: usize) -> bool {
    before(bytes, quote) == b'='
        && after_scheme(bytes, start)
            .is_some_and(|parameters| parameters < quote && !is(at(bytes, parameters), SPACE))
}

#[cfg(test)]
mod tests {
    use super::super::redact;

    #[test]
    fn the_table_is_sorted_and_fits() {
        assert!(super::SCHEMES.is_sorted_by(|(one, _), (other, _)| one < other));
        assert!(
            super::SCHEMES
                .iter()
                .all(|(scheme, _)| scheme.len() <= super::LONGEST_SCHEME)
        );
    }

    #[test]
    fn credentials_after_their_scheme_go() {
        let x = concat!("FAKE", "00ab12cd");
        for (text, expected) in [
            ("sent Bearer X to api", "sent Bearer ******** to api"),
            ("Basic dTpGQUtFLWJhc2ljLTE=", "Basic ********"),
            ("Authorization: Bearer X", "Authorization: Bearer ********"),
            ("authorization: X", "authorization: ********"),
            (
                "curl -H 'Authorization: token X' https://h",
                "curl -H 'Authorization: token ********' https://h",
            ),
            (
                "Authorization: Digest username=\"a\", response=\"X\"",
                "Authorization: Digest ********",
            ),
            ("Digest username=\"a\", response=\"X\"", "Digest ********"),
            (
                "AWS4-HMAC-SHA256 Credential=A/b, Signature=X",
                "AWS4-HMAC-SHA256 ********",
            ),
            ("Cookie: a=X; b=X", "Cookie: ********"),
            ("X-Api-Key: X", "X-Api-Key: ********"),
        ] {
            assert_eq!(
                redact(&text.replace('X', x).replace(&format!("{x}-Api"), "X-Api")),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn talk_of_schemes_stays() {
        for text in [
            "Bearer token missing",
            "Basic authentication required",
            "WWW-Authenticate: Bearer realm=\"example\"",
            "the basic setup of token handling",
            "Digest realm=\"x\"",
            "token 12 of 20",
            "Authorization: required",
        ] {
            assert_eq!(redact(text), text);
        }
    }
}
