//! Secrets in sentences of scripts that write without spaces: `密码：x`, `パスワードはx`.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::bytes::{QUOTE, is, run_of, set};
use super::entropy::looks_random;
use super::scan::Scan;

/// Longer words are no passwords.
const LONGEST_SECRET: usize = 512;

/// Words of scripts that write without spaces.
const WORDS: &[&str] = &["密码", "密碼", "口令", "パスワード", "暗証番号", "비밀번호"];

static FINDERS: LazyLock<Vec<Finder<'static>>> =
    LazyLock::new(|| WORDS.iter().map(|word| Finder::new(*word)).collect());

/// `密码：x`, `パスワードはx`
pub(super) fn find(scan: &mut Scan<'_>) {
    let bytes = scan.bytes;
    for (word, finder) in WORDS.iter().zip(FINDERS.iter()) {
        for found in finder.find_iter(bytes) {
            let after = found + word.len();
            // At most two connecting characters of three bytes each.
            let window = bytes.get(..after + 8).unwrap_or(bytes);
            let start = run_of(
                window,
                after,
                set!(|byte| byte >= 0x80 || matches!(byte, b':' | b' ' | b'=')),
            );
            let window = bytes.get(..start + LONGEST_SECRET).unwrap_or(bytes);
            let end = run_of(
                window,
                start,
                set!(|byte| byte.is_ascii_graphic() && !is(byte, QUOTE) && byte != b','),
            );
            if looks_random(scan.part(start, end), 6) {
                scan.spans.hide(start..end);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::redact;

    #[test]
    fn secrets_go_in_these_scripts_too() {
        let x = concat!("FAKE", "00ab12cd");
        for (text, expected) in [
            ("密码：X", "密码：********"),
            ("パスワードはX", "パスワードは********"),
            ("密码错误", "密码错误"),
        ] {
            assert_eq!(redact(&text.replace('X', x)), expected);
        }
    }
}
