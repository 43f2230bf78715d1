//! Private keys in PEM, with real line feeds, escaped ones or none; PGP and PuTTY keys alike.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::bytes::{ALNUM, at, before, is, run_back_of, run_of, run_while, set};
use super::scan::Scan;

/// Four dashes and a space around SSH2 keys, five dashes around all others.
const BEGIN: &[u8] = b"BEGIN ";
const END: &[u8] = b"----";
const LONGEST_LABEL: usize = 64;
const PUTTY_BODY: &[u8] = b"Private-Lines: ";

static BEGINNING: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(BEGIN));
static PUTTY: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(PUTTY_BODY));

pub(super) fn find(scan: &mut Scan<'_>) {
    let bytes = scan.bytes;
    let mut from = 0;
    while let Some(found) = BEGINNING.find(bytes.get(from..).unwrap_or_default()) {
        let label = from + found + BEGIN.len();
        let window = bytes.get(..label + LONGEST_LABEL).unwrap_or(bytes);
        let label_end = run_of(
            window,
            label,
            set!(|byte| is(byte, ALNUM) || matches!(byte, b' ' | b'_' | b'.')),
        );
        from = label_end;
        let dashes = run_back_of(bytes, 0, label - BEGIN.len(), set!(|byte| byte == b' '));
        if before(bytes, dashes) != b'-' || before(bytes, dashes - 1) != b'-' {
            continue;
        }
        let label = scan.part(label, label_end);
        if !(label.contains("PRIVATE") || label.contains("SECRET")) {
            continue;
        }
        let body = run_of(bytes, label_end, set!(|byte| byte == b' '));
        let body = run_of(bytes, body, set!(|byte| byte == b'-'));
        // The line feed stays where it is, real or written out.
        let body = run_of(bytes, body, set!(|byte| matches!(byte, b'\n' | b'\r' | b' ')));
        let body = if at(bytes, body) == b'\\' && matches!(at(bytes, body + 1), b'n' | b'r') {
            body + 2
        } else {
            body
        };
        let end = without_line_feed(bytes, body, body_end(bytes, body));
        scan.spans.hide(body..end);
        from = end;
    }
}

/// Where the last line begins, or where the text can't be that of a key any more: it was cut, or a quote ends it.
fn body_end(bytes: &[u8], body: usize) -> usize {
    let part_of_key = |byte| match byte {
        b'-' | b'"' | b'\'' | b'`' | b'<' | b'>' | b'{' | b'}' => false,
        _ => byte >= b' ' || matches!(byte, b'\n' | b'\r' | b'\t'),
    };
    let mut end = body;
    loop {
        end = run_while(bytes, end, part_of_key);
        // A dash belongs to a header of the key (`AES-128-CBC`), several begin its last line.
        if at(bytes, end) != b'-' || bytes.get(end..end + END.len()) == Some(END) {
            return end;
        }
        end += 1;
    }
}

fn without_line_feed(bytes: &[u8], body: usize, end: usize) -> usize {
    let mut end = end;
    while end > body {
        if matches!(at(bytes, end - 1), b'\n' | b'\r' | b' ') {
            end -= 1;
        } else if end > body + 1 && at(bytes, end - 2) == b'\\' && matches!(at(bytes, end - 1), b'n' | b'r') {
            end -= 2;
        } else {
            break;
        }
    }
    end
}

pub(super) fn putty(scan: &mut Scan<'_>) {
    let bytes = scan.bytes;
    let mut from = 0;
    while let Some(found) = PUTTY.find(bytes.get(from..).unwrap_or_default()) {
        let body = run_of(
            bytes,
            from + found + PUTTY_BODY.len(),
            set!(|byte| byte.is_ascii_digit() || matches!(byte, b'\n' | b'\r')),
        );
        let rest = bytes.get(body..).unwrap_or_default();
        let end = memchr::memmem::find(rest, b"Private-MAC").map_or(bytes.len(), |found| body + found);
        scan.spans.hide(body..end);
        from = end;
    }
}

#[cfg(test)]
mod tests {
    use super::super::redact;

    #[test]
    fn the_body_of_a_private_key_goes() {
        let begin = concat!("-----BEGIN RSA ", "PRIVATE KEY-----");
        let end = concat!("-----END RSA ", "PRIVATE KEY-----");
        for feed in ["\n", "\\n", "\r\n", " "] {
            let text = format!("{begin}{feed}MIIabc{feed}def={feed}{end}{feed}");
            assert_eq!(redact(&text), format!("{begin}{feed}********{feed}{end}{feed}"));
        }
        assert_eq!(
            redact(&format!("{begin}\nMIIabc\ndef")),
            format!("{begin}\n********")
        );
        let begin = concat!("---- BEGIN SSH2 ENCRYPTED ", "PRIVATE KEY ----");
        assert_eq!(
            redact(&format!("{begin}\nabc\n---- END")),
            format!("{begin}\n********\n---- END")
        );
    }

    #[test]
    fn certificates_and_public_keys_stay() {
        for label in [
            "CERTIFICATE",
            "PUBLIC KEY",
            "RSA PUBLIC KEY",
            "PGP PUBLIC KEY BLOCK",
        ] {
            let text = format!("-----BEGIN {label}-----\nMIIabcdefgh\n-----END {label}-----\n");
            assert_eq!(redact(&text), text);
        }
    }
}
