//! What `Debug` prints of a struct whose name is that of a secret: `Credentials { user: "a", value: "x" }`.

use super::bytes::{ALNUM, at, before, is, run_back_of, set};
use super::extents::{Style, value_at};
use super::families;
use super::judgement;
use super::scan::Scan;

const LONGEST_NAME: usize = 64;

pub(super) fn find(scan: &mut Scan<'_>) {
    let bytes = scan.bytes;
    let mut from = 0;
    while let Some(found) = memchr::memchr(b'{', bytes.get(from..).unwrap_or_default()) {
        let brace = from + found;
        from = brace + 1;
        let end = if before(bytes, brace) == b' ' {
            brace - 1
        } else {
            brace
        };
        let start = run_back_of(
            bytes,
            end.saturating_sub(LONGEST_NAME),
            end,
            set!(|byte| is(byte, ALNUM) || byte == b'_'),
        );
        let name = scan.part(start, end);
        let verdict = scan.rules.verdict(name);
        if !at(bytes, start).is_ascii_uppercase()
            || !verdict.is_telling()
            || judgement::is_about_an_error(name)
            || !families::ends_in_secret(name)
        {
            continue;
        }
        let extent = value_at(bytes, brace, Style::Words, &mut scan.closings);
        let inside = scan.part(brace + 1, extent.end.saturating_sub(1));
        let start = brace + 1 + (inside.len() - inside.trim_start().len());
        scan.spans.hide(start..start + inside.trim().len());
        from = extent.end.max(from);
    }
}

#[cfg(test)]
mod tests {
    use super::super::redact;

    #[test]
    fn structs_of_secrets_go() {
        for (text, expected) in [
            (
                "a Credentials { user: \"a\", value: \"x}\" } b",
                "a Credentials { ******** } b",
            ),
            ("ApiToken { value: [1, 2] }", "ApiToken { ******** }"),
            ("ClientSecret{value: \"x\"}", "ClientSecret{********}"),
        ] {
            assert_eq!(redact(text), expected);
        }
        for text in [
            "Token { kind: Ident }",
            "PasswordPolicy { min: 8 }",
            "InvalidTokenError { at: 3 }",
            "SecretStore { path: \"x\" }",
            "Config { port: 1 }",
        ] {
            assert_eq!(redact(text), text);
        }
    }
}
