//! Hides the secrets in addresses (URLs): passwords before the host, and the secret paths of webhooks.

use super::bytes::*;
use super::scan::Scan;
use super::values::{is_placeholder, is_short_number, is_uuid, looks_random};
use super::words::{NO_USER, means};

/// Addresses of webhooks. An entry has two fields: the end of the host's name, and a part of the path. In an address
/// that matches both fields, the text after this part of the path is secret.
///
/// An empty host name matches every host, because users can host such a service themselves.
#[rustfmt::skip]
static HOOKS: &[(&str, &str)] = &[
    ("hooks.slack.com", "/services/"), ("hooks.slack.com", "/workflows/"), ("hooks.slack.com", "/triggers/"),
    ("hooks.slack-gov.com", "/services/"), ("discord.com", "/api/webhooks/"), ("discordapp.com", "/api/webhooks/"),
    ("outlook.office.com", "/webhook/"), ("outlook.office365.com", "/webhook/"), ("webhook.office.com", "/"),
    ("api.telegram.org", "/bot"), ("hooks.zapier.com", "/hooks/catch/"), ("hooks.zapier.com", "/hooks/standard/"),
    ("maker.ifttt.com", "/with/key/"), ("hooks.chime.aws", "/incomingwebhooks/"), ("events.pagerduty.com", "/integration/"),
    ("hc-ping.com", "/"), ("open.feishu.cn", "/hook/"), ("open.larksuite.com", "/hook/"), ("hook.integromat.com", "/"),
    ("make.com", "/"), ("ntfy.sh", "/"), ("api.opsgenie.com", "/json/"), ("alert.victorops.com", "/alert/"),
    ("alert.victorops.com", "/generic/"), ("betterstack.com", "/heartbeat/"), ("betteruptime.com", "/heartbeat/"),
    ("heartbeat.uptimerobot.com", "/"), ("webhook.site", "/"), ("pipedream.net", "/"), ("smee.io", "/"), ("nosnch.in", "/"),
    ("cronitor.link", "/p/"), ("infura.io", "/v3/"), ("alchemy.com", "/v2/"), ("quiknode.pro", "/"), ("conda.anaconda.org", "/t/"),
    ("script.google.com", "/macros/s/"), ("loggly.com", "/inputs/"), ("", "/hooks/"), ("", "/webhooks/"),
];

/// Hides the secrets in the URL whose scheme ends at `colon`. Returns the position at which the scanner continues.
pub(super) fn address(scan: &mut Scan<'_>, colon: usize) -> usize {
    let bytes = scan.bytes;
    let from = colon + "://".len();
    let mut end = from;
    while end < bytes.len() && !is(bytes[end], ENDS_ADDRESS) {
        if bytes[end] == b':' && bytes[end..].starts_with(b"://") && at(bytes, end + 3) != b'@' {
            // In `http://a:x@h,http://b:y@h`, the first address ends before the second. The scanner reads the second
            // address later.
            end = run_back(bytes, end, 16, ALNUM).max(from);
            break;
        }
        end += 1;
    }
    let mut host = from;
    if let Some(sign) = end_of_user_info(bytes, from, end) {
        host = sign + 1;
        let mut start = from;
        // An address may have several hosts, each with its own user and password: `amqp://one:x@a,two:y@b`.
        while let Some(comma) = memchr::memchr(b',', &bytes[start..sign]).map(|comma| start + comma)
            && let Some(found) = memchr::memchr(b'@', &bytes[start..comma])
        {
            user_and_password(scan, colon, start, start + found);
            start = comma + 1;
        }
        user_and_password(scan, colon, start, sign);
    }
    let slash = until(bytes, host, ENDS_HOST).min(end);
    hook(scan, host, slash, end).unwrap_or_else(|| run(bytes, host, ALNUM))
}

/// Finds the `@` that ends the user info of an address, as in `https://user:password@host`.
fn end_of_user_info(bytes: &[u8], from: usize, end: usize) -> Option<usize> {
    let slash = until(bytes, from, ENDS_HOST).min(end);
    let last = |to: usize| memchr::memrchr(b'@', &bytes[from..to]).map(|sign| from + sign);
    last(slash)
        .filter(|sign| sign + 1 < slash || at(bytes, slash) != b'/')
        .or_else(|| {
            // Here, no `@` before the first slash has a host after it.
            //
            // In `http://user:a/b@host`, the text between the colon and the slash isn't a port. This text may be the
            // start of a password that contains a slash.
            let skip = memchr::memchr(b']', &bytes[from..slash])
                .filter(|_| at(bytes, from) == b'[')
                .unwrap_or(0);
            let port = from + skip + memchr::memchr(b':', &bytes[from + skip..slash])? + 1;
            let digits = bytes[port..slash].iter().all(u8::is_ascii_digit);
            if digits && slash > port {
                return None;
            }
            let query = memchr::memchr(b'?', &bytes[from..end]).map_or(end, |query| from + query);
            last(query).or_else(|| last(end))
        })
}

/// Hides the secret in the user info, the text between `start` and the `@`. The secret is the password in
/// `user:password`, or the whole user info if it is a token.
fn user_and_password(scan: &mut Scan<'_>, colon: usize, start: usize, sign: usize) {
    let info = scan.part(start, sign);
    // A user without a password may be a token. In an address other than HTTP, a token must contain a digit, because
    // there the names of ordinary users may look random: `akka.tcp://sparkExecutorActorSystem@host`.
    let web = find(&scan.bytes[colon.saturating_sub(5)..colon], b"http").is_some();
    let is_token = |user: &str| {
        is_uuid(user)
            || web && looks_random(user, 12)
            || looks_random(user, 16) && user.bytes().any(|byte| is(byte, DIGIT))
    };
    let hidden = match split_at(info, b':') {
        Some((user, "")) if is_token(user) => start..start + user.len(),
        // Some services take a token as the user, and a fixed text as the password:
        // `https://token:x-oauth-basic@github.com`.
        Some((user, "x" | "X" | "x-oauth-basic" | "api_token")) if looks_random(user, 8) => start..sign,
        Some((_, password)) if !is_placeholder(password) => sign - password.len()..sign,
        None if is_token(info) => start..sign,
        _ => return,
    };
    scan.hide(hidden);
}

/// Hides the secret part of a webhook's path. The range `host..slash` is the host, and the path begins at `slash`.
/// Returns the end of the hidden part, or `None` if the address isn't a webhook.
fn hook(scan: &mut Scan<'_>, host: usize, slash: usize, end: usize) -> Option<usize> {
    let name = scan.part(host, slash);
    let name = split_at(name, b':').map_or(name, |(name, _)| name);
    let path = parts(scan.part(slash, end), b"?#;").next().unwrap_or_default();
    if path.len() < 8 {
        return None;
    }
    let path = path.get(..512).unwrap_or(path);
    for (known, below) in HOOKS {
        if !name.ends_with(known) {
            continue;
        }
        let Some(found) = find(path.as_bytes(), below.as_bytes()) else {
            continue;
        };
        let mut rest = trimmed(&path[found + below.len()..], b"", b".,)/");
        if *below == "/bot" {
            rest = parts(rest, b"/").next().unwrap_or_default();
        }
        let longest = longest_part(rest);
        let known_by_number = known.ends_with("zapier.com") && has(rest, b"/");
        // Some secret segments don't look random. A segment of 26 letters and digits may be a Mattermost token, even if
        // it has only letters or only digits.
        //
        // If the entry of `HOOKS` has a host and a path of more than 8 bytes, every segment of at least 16 bytes is
        // secret.
        let own = longest.len() == 26 && all(longest, ALNUM, b"")
            || !known.is_empty() && below.len() > 8 && longest.len() >= 16;
        if known_by_number || looks_random(longest, if known.is_empty() { 16 } else { 8 }) || own {
            let start = slash + found + below.len();
            scan.hide(start..start + rest.len());
            return Some(start + rest.len());
        }
    }
    None
}

/// Hides the password in `user:password@host` without a scheme, and in Oracle's `user/password@//host:1521/service`.
/// Returns the position at which the scanner continues.
pub(super) fn user_info(scan: &mut Scan<'_>, sign: usize) -> usize {
    let bytes = scan.bytes;
    let start = until_back(bytes, sign, 160, OPENS_USER);
    let word = scan.part(start, sign);
    if memchr::memchr2(b':', b'/', word.as_bytes()).is_none() {
        return sign + 1;
    }
    let rest = &bytes[sign + 1..];
    let name_end = run(first(bytes, sign + 64), sign + 1, HOST);
    let (name, next) = (scan.part(sign + 1, name_end), at(bytes, name_end));
    let is_user = |user: &str| !user.is_empty() && all(user, ALNUM, b"_-.+");
    let service = next == b':' && matches!(at(bytes, run(bytes, name_end + 1, DIGIT)), b'/' | b':');
    if (service || rest.starts_with(b"//") || rest.starts_with(b"(DESCRIPTION"))
        && let Some((user, password)) = split_at(last_part(word, b"=:"), b'/')
        && is_user(user)
        && !has(password, b"/")
    {
        scan.hide(sign - password.len()..sign);
        return sign + 1;
    }
    // If the text after an `@` has no dot and no port, it often isn't a host. Examples are
    // `[SendWorker:1889:Quorum$Worker@688]` and `app:1.2@sha256:0123`.
    let located = matches!(next, b':' | b'/' | b'(');
    let alone = start == 0 && (next == 0 || is(next, ENDS_ADDRESS));
    let is_host = located || has(name, b".") && name.len() > 3 || name == "localhost" || alone;
    let is_version = all(name, DIGIT, b".") && has(name, b".") && parts(name, b".").count() != 4;
    let is_digest = name.starts_with("sha") || name == "md5";
    let bracket = matches!(before(bytes, start), b'[' | b'(' | b'<');
    let Some((user, password)) = split_at(word, b':') else {
        return sign + 1;
    };
    if name.is_empty() || !is_host || is_version || is_digest || bracket || has(password, b"/") {
        return sign + 1;
    }
    let user = last_part(user, b"=/");
    // In `From:alice@example.com`, the word before the `@` is a mailbox, not a password.
    let mail = !located && all(password, ALNUM, b"._+-") && !looks_random(password, 6);
    // A short number isn't a password. If the user is a date, as in `2019-08-12T03:06:07@example.org`, the text is the
    // identifier of a mail message.
    let date = !user.is_empty() && all(user, DIGIT, b"-.T");
    let number = date || is_short_number(password) && !matches!(next, b'/' | b'(');
    if (is_user(user) || user.is_empty() && located) && !(mail || number || means(user, NO_USER)) {
        scan.hide(sign - password.len()..sign);
    }
    sign + 1
}

#[cfg(test)]
mod tests {
    use super::super::redact;

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
            (":X@redis:6379", ":********@redis:6379"),
            ("user:X@h:5432", "user:********@h:5432"),
            ("dsn=svc:X@db/app", "dsn=svc:********@db/app"),
            ("sip:1001:X@pbx.example.com", "sip:********@pbx.example.com"),
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
            "2019-08-12T03:06:07@example.org",
            "[SendWorker:188978561024:QuorumCnxManager$SendWorker@688]",
            "From:alice@example.com",
            "redis:7.2@sha256:00ff",
        ] {
            assert_eq!(redact(text), text);
        }
    }
}
