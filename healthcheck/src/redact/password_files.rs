//! Lines of `.pgpass`: `host:port:database:user:password`.

use super::bytes::{DIGIT, before, follows, is, line_end};
use super::scan::Scan;
use super::settings::is_masked;
use super::signs::Signs;

const LONGEST_LINE: usize = 512;

/// What no such line has.
const NOWHERE: &[u8] = b" /\"'=@{";

pub(super) fn find(scan: &mut Scan<'_>) {
    let bytes = scan.bytes;
    if scan.signs.any(Signs::each(NOWHERE)) && !scan.signs.any(Signs::each(b"\n\r")) {
        return;
    }
    let mut line = 0;
    while line < bytes.len() {
        let end = line_end(bytes, line);
        if end - line <= LONGEST_LINE
            && let Some(password) = password_of_line(bytes, line, end)
            && !is_masked(scan.part(password, end))
        {
            scan.spans.hide(password..end);
        }
        line = end + 1;
    }
}

fn password_of_line(bytes: &[u8], start: usize, end: usize) -> Option<usize> {
    let line = bytes.get(start..end)?;
    if line.iter().any(|byte| NOWHERE.contains(byte)) {
        return None;
    }
    let mut parts = [0; 4];
    let mut count = 0;
    for (place, byte) in line.iter().enumerate() {
        if *byte == b':' && before(line, place) != b'\\' {
            *parts.get_mut(count)? = place;
            count += 1;
        }
    }
    let [host, port, database, user] = parts;
    let part = |from: usize, to: usize| line.get(from..to).filter(|part| !part.is_empty());
    let port_text = part(host + 1, port)?;
    let named = |text: &[u8]| {
        text == b"*"
            || text
                .iter()
                .any(|byte| byte.is_ascii_alphabetic() || *byte == b'.')
    };
    let plausible = count == 4
        && named(part(0, host)?)
        && (port_text == b"*" || port_text.len() >= 2 && port_text.iter().all(|byte| is(*byte, DIGIT)))
        && named(part(port + 1, database)?)
        && named(part(database + 1, user)?)
        && part(user + 1, line.len()).is_some()
        && !follows(line, user + 1, "********");
    plausible.then_some(start + user + 1)
}

#[cfg(test)]
mod tests {
    use super::super::redact;

    #[test]
    fn the_last_of_five_parts_goes() {
        let x = concat!("FAKE", "00ab12cd");
        for (text, expected) in [
            ("db.internal:5432:app:svc:X", "db.internal:5432:app:svc:********"),
            ("*:*:*:svc:X\n", "*:*:*:svc:********\n"),
        ] {
            assert_eq!(redact(&text.replace('X', x)), expected, "{text}");
        }
    }

    #[test]
    fn lists_with_colons_stay() {
        for text in [
            "di=01;34:ln=01;36:*.tar=01;31",
            "braceexpand:hashall:a:b:c",
            "10:20:30:40:50",
        ] {
            assert_eq!(redact(text), text);
        }
    }
}
