//! Connection strings without names for their parts: Oracle's `user/password@host`.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::bytes::{ADDRESS_END, ALNUM, DIGIT, QUOTE, at, each_of, follows, is, run_back_of, run_of, set};
use super::scan::Scan;
use super::settings::{is_masked, is_placeholder};

static ORACLE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b":oracle:"));

/// `jdbc:oracle:thin:scott/tiger@//host:1521/service`
pub(super) fn oracle(scan: &mut Scan<'_>) {
    let bytes = scan.bytes;
    let mut from = 0;
    while let Some(found) = ORACLE.find(bytes.get(from..).unwrap_or_default()) {
        let driver = from + found + ":oracle:".len();
        let driver_end = run_of(bytes, driver, set!(|byte| is(byte, ALNUM)));
        from = driver_end;
        if at(bytes, driver_end) != b':' {
            continue;
        }
        if let Some(end) = user_and_password(scan, driver_end + 1) {
            from = end;
        }
    }
}

/// `scott/tiger@host:1521/service`, `connect scott/tiger@db`
pub(super) fn easy_connect(scan: &mut Scan<'_>) {
    let bytes = scan.bytes;
    let mut from = 0;
    for sign in each_of(bytes, set!(|byte| byte == b'@')) {
        let start = run_back_of(
            bytes,
            from.max(sign.saturating_sub(LONGEST_WORD)),
            sign,
            set!(|byte| is(byte, ALNUM)
                || (byte.is_ascii_graphic()
                    && !is(byte, QUOTE)
                    && !matches!(byte, b'=' | b'@' | b'(' | b','))),
        );
        from = sign + 1;
        let word = bytes.get(start..sign).unwrap_or_default();
        let slash = memchr::memchr(b'/', word);
        let single = slash
            .is_some_and(|slash| slash > 0 && !word.get(slash + 1..).unwrap_or_default().contains(&b'/'));
        if !single || memchr::memchr(b':', word).is_some() {
            continue;
        }
        let host = run_of(
            bytes,
            sign + 1,
            set!(|byte| is(byte, ALNUM) || matches!(byte, b'.' | b'-' | b'_')),
        );
        let port = run_of(bytes, host + 1, set!(|byte| is(byte, DIGIT)));
        let with_port = at(bytes, host) == b':'
            && (2..=5).contains(&(port - host - 1))
            && matches!(at(bytes, port), b'/' | b':');
        let with_slashes = at(bytes, sign + 1) == b'/' && at(bytes, sign + 2) == b'/';
        let connect = ["connect ", "conn "].iter().any(|word| {
            start
                .checked_sub(word.len())
                .is_some_and(|place| follows(bytes, place, word))
        });
        let described = follows(bytes, sign + 1, "(description");
        if with_port || with_slashes || connect || described {
            user_and_password(scan, start);
        }
    }
}

/// Hides the password of `user/password@…` at `start`.
pub(super) fn user_and_password(scan: &mut Scan<'_>, start: usize) -> Option<usize> {
    let bytes = scan.bytes;
    let user = run_of(
        bytes,
        start,
        set!(|byte| is(byte, ALNUM) || matches!(byte, b'_' | b'$' | b'#' | b'.' | b'[' | b']')),
    );
    if user == start || at(bytes, user) != b'/' {
        return None;
    }
    let end = run_of(
        bytes,
        user + 1,
        set!(|byte| byte != b'@' && !is(byte, ADDRESS_END)),
    );
    let password = scan.part(user + 1, end);
    if at(bytes, end) != b'@' || password.is_empty() || is_masked(password) || is_placeholder(password) {
        return None;
    }
    scan.spans.hide(user + 1..end);
    Some(end)
}

const LONGEST_WORD: usize = 128;

#[cfg(test)]
mod tests {
    use super::super::redact;

    #[test]
    fn passwords_without_a_name_go() {
        let x = concat!("FAKE", "00ab12cd");
        for (text, expected) in [
            (
                "scott/X@(DESCRIPTION=(ADDRESS=(HOST=ora)))",
                "scott/********@(DESCRIPTION=(ADDRESS=(HOST=ora)))",
            ),
            (
                "jdbc:oracle:thin:scott/X@//h:1521/s",
                "jdbc:oracle:thin:scott/********@//h:1521/s",
            ),
            (
                "jdbc:oracle:thin:scott/X@h:1521:sid",
                "jdbc:oracle:thin:scott/********@h:1521:sid",
            ),
            ("scott/X@h:1521/s", "scott/********@h:1521/s"),
            ("CONNECT scott/X@db", "CONNECT scott/********@db"),
            (
                "Server=db;User Id=sa;Password=two words X;Encrypt=true",
                "Server=db;User Id=sa;Password=********;Encrypt=true",
            ),
            (
                "DRIVER={ODBC};UID=sa;PWD={X;y};DATABASE=a",
                "DRIVER={ODBC};UID=sa;PWD=********;DATABASE=a",
            ),
            (
                "AccountName=a;AccountKey=X+/==;EndpointSuffix=e",
                "AccountName=a;AccountKey=********;EndpointSuffix=e",
            ),
            (
                "host=h user=a password='it''s X' dbname=d",
                "host=h user=a password='********' dbname=d",
            ),
            (
                "jdbc:sqlserver://h:1433;user=sa;password=X;encrypt=true",
                "jdbc:sqlserver://h:1433;user=sa;password=********;encrypt=true",
            ),
        ] {
            assert_eq!(redact(&text.replace('X', x)), expected, "{text}");
        }
    }

    #[test]
    fn addresses_without_a_password_stay() {
        for text in [
            "jdbc:oracle:thin:@h:1521:sid",
            "team/app@sha256:12345",
            "see a/b@c.d",
        ] {
            assert_eq!(redact(text), text);
        }
    }
}
