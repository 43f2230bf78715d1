//! Addresses with a scheme: passwords before the host, and secrets in the path of well-known hosts.

use super::bytes::{
    ADDRESS_END, ALNUM, DIGIT, QUOTE, SPACE, at, before, follows, is, run_back_of, run_of, run_while, set,
};
use super::entropy::looks_random;
use super::scan::Scan;
use super::settings::{is_masked, is_placeholder};
use super::webhooks;

/// How far behind the authority an `@` is looked for when a password holds `/`, `?` or `#` unescaped.
const LONGEST_PASSWORD: usize = 256;
const LONGEST_SCHEME: usize = 32;

pub(super) fn find(scan: &mut Scan<'_>) {
    let bytes = scan.bytes;
    let mut from = 0;
    // The next `@` from the current place on, looked for once and not for every address.
    let mut sign = 0;
    while let Some(found) = memchr::memchr(b'/', bytes.get(from..).unwrap_or_default()) {
        let slashes = from + found;
        if at(bytes, slashes + 1) != b'/' {
            from = slashes + 1;
            continue;
        }
        from = slashes + 2;
        let scheme_end = slashes.checked_sub(1).filter(|colon| at(bytes, *colon) == b':');
        let scheme = match scheme_end {
            Some(end) => {
                let start = run_back_of(
                    bytes,
                    end.saturating_sub(LONGEST_SCHEME),
                    end,
                    set!(|byte| is(byte, ALNUM) || matches!(byte, b'+' | b'.' | b'-')),
                );
                scan.part(start, end)
            }
            // `//user:password@host`: as good as one with a scheme, but a comment looks the same.
            None => "",
        };
        let end = run_of(
            bytes,
            from,
            set!(|byte| !is(byte, ADDRESS_END) && !matches!(byte, b'/' | b'?' | b'#')),
        );
        if sign < from {
            sign = memchr::memchr(b'@', bytes.get(from..).unwrap_or_default())
                .map_or(bytes.len(), |found| from + found);
        }
        let end = if sign < end + LONGEST_PASSWORD {
            user_info(scan, scheme, from, end)
        } else {
            end
        };
        webhooks::find(scan, from, end);
        from = end.max(from);
    }
}

/// Schemes of services that one logs in to with a token alone.
const TOKEN_SCHEMES: &[&str] = &[
    "discord",
    "nats",
    "ntfy",
    "pushover",
    "rocketchat",
    "slack",
    "teams",
    "telegram",
    "tgram",
    "tls",
];

/// Hides what stands before the host; says where the authority ends.
fn user_info(scan: &mut Scan<'_>, scheme: &str, start: usize, end: usize) -> usize {
    let bytes = scan.bytes;
    let authority = bytes.get(start..end).unwrap_or_default();
    if let Some(found) = memchr::memrchr(b'@', authority) {
        let mut sign = start + found;
        if sign + 1 == end && at(bytes, end) == b'/' {
            // No host has no name: the password goes on to the next `@`, if there is one.
            let window = bytes.get(..end + LONGEST_PASSWORD).unwrap_or(bytes);
            let next = run_of(window, end, set!(|byte| byte != b'@' && !is(byte, SPACE | QUOTE)));
            if at(window, next) == b'@' {
                sign = next;
            }
        }
        hosts(scan, scheme, start, sign);
        return end.max(sign);
    }
    // `postgres://app:pa/ss@db`: a colon that no port follows, and an `@` further on.
    let Some(colon) = memchr::memchr(b':', authority).map(|found| start + found) else {
        return end;
    };
    let port = bytes.get(colon + 1..end).unwrap_or_default();
    let is_port = port.iter().all(|byte| is(*byte, DIGIT)) && !port.is_empty() && colon > start;
    // In the path of a web page an `@` is common, in that of a database it is none.
    let web = ["http", "ws", "git", "file", "s3", "gs", "npm", "ftp"]
        .iter()
        .any(|known| follows(scheme.as_bytes(), 0, known));
    if is_port && web || at(bytes, start) == b'[' || port.starts_with(b"$") || port.contains(&b'[') {
        return end;
    }
    let window = bytes.get(..end + LONGEST_PASSWORD).unwrap_or(bytes);
    if is_port && (authority.contains(&b'.') || at(bytes, end) != b'/') {
        return end;
    }
    // Where the address is all there is on its line, its password may hold anything.
    let alone = !is_port && is_alone(bytes, start, scheme.len());
    let last = run_while(window, end, |byte| {
        byte != b'@'
            && !(is_port && byte == b'?')
            && if alone {
                byte != b'\n'
            } else {
                !is(byte, SPACE) && !matches!(byte, b'"' | b'\'' | b'`' | b'<' | b'>')
            }
    });
    if at(window, last) == b'@' && is(at(bytes, last + 1), ALNUM) {
        scan.spans.hide(colon + 1..last);
        return last;
    }
    end
}

/// Whether a line begins with the address, perhaps as the value of a variable.
fn is_alone(bytes: &[u8], start: usize, scheme: usize) -> bool {
    let scheme_start = start.saturating_sub(scheme + "://".len());
    matches!(before(bytes, scheme_start), 0 | b'\n' | b'=')
        || follows(bytes, scheme_start.saturating_sub(5), "jdbc:")
}

/// `user:password`, `one:password@host,two:password@host`, or a secret alone.
fn hosts(scan: &mut Scan<'_>, scheme: &str, start: usize, last_at: usize) {
    let bytes = scan.bytes;
    let all = bytes.get(start..last_at).unwrap_or_default();
    let several = memchr::memchr(b'@', all).is_some()
        && all
            .split(|byte| *byte == b',')
            .all(|part| memchr::memchr_iter(b'@', part).count() <= 1);
    if several && memchr::memchr(b',', all).is_some() {
        let mut from = start;
        for part in all.split(|byte| *byte == b',') {
            let end = from + memchr::memchr(b'@', part).unwrap_or(part.len());
            one(scan, scheme, from, end);
            from += part.len() + 1;
        }
    } else {
        one(scan, scheme, start, last_at);
    }
}

fn one(scan: &mut Scan<'_>, scheme: &str, start: usize, end: usize) {
    let bytes = scan.bytes;
    match memchr::memchr(b':', bytes.get(start..end).unwrap_or_default()) {
        Some(found) => {
            let password = start + found + 1;
            let text = scan.part(password, end);
            if !is_masked(text) && !is_placeholder(text) {
                scan.spans.hide(password..end);
            }
            // `https://sk_…:@api.example.com`, `https://token:x-oauth-basic@github.com`: the user is the secret.
            let user = scan.part(start, start + found);
            let user_is_secret = matches!(text, "" | "x" | "X" | "x-oauth-basic" | "api_token" | "unused");
            if user_is_secret && looks_random(user, 8) {
                scan.spans.hide(start..start + found);
            }
        }
        None => {
            let user = scan.part(start, end);
            let web = scheme.starts_with("http") || scheme.ends_with("+https") || scheme.is_empty();
            // Here no name of a user stands alone: brokers and chats take a token in its place.
            let web = web || TOKEN_SCHEMES.contains(&scheme);
            if scan.carrier && web && !is_masked(user) || looks_random(user, if web { 12 } else { 20 }) {
                scan.spans.hide(start..end);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::redact;

    #[test]
    fn only_the_password_of_an_address_goes() {
        let x = concat!("FAKE", "00ab12cd");
        for (text, expected) in [
            ("postgres://app:X@db/prod", "postgres://app:********@db/prod"),
            ("redis://:X@r:6379/0", "redis://:********@r:6379/0"),
            ("nats://X@n:4222", "nats://********@n:4222"),
            (
                "git+https://X@github.com/o/r",
                "git+https://********@github.com/o/r",
            ),
            (
                "postgresql+psycopg2://a%40b:X@h/d?x=1",
                "postgresql+psycopg2://a%40b:********@h/d?x=1",
            ),
            ("mongodb://a:X@h1:1,h2:2/d", "mongodb://a:********@h1:1,h2:2/d"),
            ("amqp://a:X@h1,b:X@h2/v", "amqp://a:********@h1,b:********@h2/v"),
            (
                "amqp://a:X@h1,amqp://b:X@h2",
                "amqp://a:********@h1,amqp://b:********@h2",
            ),
            ("postgres://a:pX@ss@h/d", "postgres://a:********@h/d"),
            ("postgres://a:p/X@h/d", "postgres://a:********@h/d"),
            ("see (https://a:X@h/x).", "see (https://a:********@h/x)."),
            (
                "https://X@sentry.example.com/1",
                "https://********@sentry.example.com/1",
            ),
            (
                "https://X:x-oauth-basic@github.com/a",
                "https://********:********@github.com/a",
            ),
            ("//a:X@h/x", "//a:********@h/x"),
        ] {
            assert_eq!(redact(&text.replace('X', x)), expected, "{text}");
        }
    }

    #[test]
    fn addresses_without_a_secret_stay() {
        for text in [
            "postgres://db.internal:5432/app?sslmode=require",
            "http://[::1]:8080/x@y",
            "ssh://git@github.com/a/b",
            "https://example.com/@scope/pkg@1.2.3",
            "http://keycloak:8080/auth",
            "postgres://app:${DB_PASSWORD}@db/prod",
            "postgres://app@db/prod",
            "// a comment: see a@b",
            "jdbc:mysql://mysql:3306/app",
        ] {
            assert_eq!(redact(text), text);
        }
    }
}
