//! Recognises tokens by their shape: a known prefix, a typical mark in the middle (such as `.acc_`), the header of a
//! JSON Web Token, or a block with a private key.

use std::ops::Range;

use super::bytes::*;
use super::tokens::TOKENS;
use super::values::looks_random;
use super::words::{DIGEST, means};

/// The maximum number of prefixes in the hash table. If there are more prefixes, the crate doesn't compile.
const MOST: usize = 384;

/// A hash table of the prefixes of tokens. The hash is calculated from the first two bytes of a prefix. Prefixes with
/// the same hash form a linked list.
struct Prefixes {
    /// For each hash, the first prefix of the linked list: its index in `each` plus one, or 0 if there is no prefix.
    heads: [u16; 1024],
    /// For each prefix: its group in `TOKENS`, its offset and its length in the text of the group, and the index plus
    /// one of the next prefix in the linked list.
    each: [(u8, u16, u8, u16); MOST],
}

static PREFIXES: Prefixes = {
    let mut all = Prefixes {
        heads: [0; 1024],
        each: [(0, 0, 0, 0); MOST],
    };
    let (mut group, mut count) = (0, 0);
    while group < TOKENS.len() {
        let text = TOKENS[group].2.as_bytes();
        let (mut start, mut end) = (0, 0);
        while end <= text.len() {
            if end == text.len() || text[end] == b' ' {
                let head = &mut all.heads[hash(text[start], text[start + 1])];
                all.each[count] = (group as u8, start as u16, (end - start) as u8, *head);
                count += 1;
                *head = count as u16;
                start = end + 1;
            }
            end += 1;
        }
        group += 1;
    }
    all
};

const fn hash(first: u8, second: u8) -> usize {
    ((first as usize * 37) ^ (second as usize * 5)) & 1023
}

/// Returns whether a token may begin with these two bytes. This cheap test excludes nearly every ordinary word.
#[inline]
pub(super) fn may_begin(first: u8, second: u8) -> bool {
    PREFIXES.heads[hash(first, second)] != 0 || first == b'e' && (second == b'y' || second == b'w')
}

/// Returns the range of the token that begins at `start`, if any. Call this function only if `may_begin` has returned
/// `true` for the first two bytes.
pub(super) fn at_place(bytes: &[u8], start: usize) -> Option<Range<usize>> {
    let rest = bytes.get(start..)?;
    if (rest.starts_with(b"eyJ") || rest.starts_with(b"ewo"))
        && let Some(end) = json_web_token(bytes, start)
    {
        return Some(start..end);
    }
    let mut next = PREFIXES.heads[hash(*rest.first()?, *rest.get(1)?)];
    while let Some(index) = next.checked_sub(1) {
        let (group, place, length, following) = PREFIXES.each[usize::from(index)];
        let (class, least, prefixes) = TOKENS[usize::from(group)];
        let prefix = &prefixes.as_bytes()[usize::from(place)..usize::from(place) + usize::from(length)];
        let from = start + prefix.len();
        if rest.starts_with(prefix)
            && let Some(end) = behind_prefix(bytes, prefix, class, from, usize::from(least))
        {
            return Some(start..end);
        }
        next = following;
    }
    None
}

fn behind_prefix(bytes: &[u8], prefix: &[u8], class: u32, from: usize, least: usize) -> Option<usize> {
    let needed = bytes.get(from..from + least)?;
    if !needed.iter().all(|byte| is(*byte, class)) || !is_drawn(prefix, class, needed) {
        return None;
    }
    let end = run(bytes, from + least, class);
    let whole = match class {
        HEX => !is(at(bytes, end), ALNUM),
        CAPITAL => end == from + least && !is(at(bytes, end), ALNUM),
        _ => true,
    };
    whole.then_some(end)
}

/// Returns whether the text after a prefix looks like the rest of a token. After a short prefix, this text must mix
/// digits and letters, or lower-case letters and capitals.
fn is_drawn(prefix: &[u8], class: u32, rest: &[u8]) -> bool {
    let ends = prefix.last().is_some_and(|last| b"_-.".contains(last));
    let certain = prefix.len() > 4 || ends && class == ALNUM && rest.len() >= 20;
    if certain || matches!(class, HEX | CAPITAL) {
        return true;
    }
    let has = |kind: fn(&u8) -> bool| rest.iter().any(kind);
    let (small, capital) = (has(u8::is_ascii_lowercase), has(u8::is_ascii_uppercase));
    has(u8::is_ascii_digit) && (small || capital) || small && capital
}

/// Returns the end of the JSON Web Token that begins at `start`, as in `eyJ….eyJ….…`. The token may be signed, unsigned
/// or encrypted.
fn json_web_token(bytes: &[u8], start: usize) -> Option<usize> {
    let part = |from: usize| behind_padding(bytes, run(bytes, from, WORD));
    let header = part(start);
    if header - start < 10 || at(bytes, header) != b'.' {
        return None;
    }
    let payload = part(header + 1);
    let (mut end, mut parts) = (payload, 2);
    while at(bytes, end) == b'.' && parts < 5 {
        end = part(end + 1);
        parts += 1;
    }
    let unsigned = bytes[header + 1..].starts_with(b"eyJ");
    let shortest = if parts == 2 { 20 } else { 4 };
    ((parts >= 3 || unsigned) && payload - header > shortest || parts == 5).then_some(end)
}

/// Describes tokens that have a typical mark in their middle, such as `.acc_`.
///
/// The fields are, in this order:
/// - the first character of the mark,
/// - the rest of the mark,
/// - the character class, the minimum length and the maximum length of the text before the mark,
/// - the character class, the minimum length and the maximum length of the text after the mark.
type Mark = (u8, &'static [u8], u32, u8, u8, u32, u8, u8);

#[rustfmt::skip]
static MARKS: [Mark; 9] = [
    (b'.', b"atlasv1.", ALNUM, 10, 20, WORD, 40, 120),
    (b'.', b"acc_", TOKEN, 8, 60, TOKEN, 40, 200),
    (b':', b"", CAPITAL, 14, 17, HEX, 32, 32),
    (b':', b"A", DIGIT, 5, 12, WORD, 30, 60),
    (b':', b"APA91b", WORD, 8, 40, WORD, 60, 200),
    (b'~', b"", TOKEN, 5, 5, TOKEN, 30, 40),
    (b'-', b"us", HEX, 32, 32, CAPITAL, 1, 2),
    (b'|', b"", CAPITAL, 13, 17, WORD, 20, 44),
    (b'_', b"mmk", WORD, 30, 40, HEX, 0, 0),
];

/// Returns the range of the token around the position `sign`, if there is one. Such a token has a typical sign in its
/// middle.
pub(super) fn around(bytes: &[u8], sign: usize) -> Option<Range<usize>> {
    let byte = at(bytes, sign);
    for (known, mark, ahead, least, most, after, needed, longest) in &MARKS {
        let behind = sign + 1 + mark.len();
        if *known != byte || !bytes[sign + 1..].starts_with(mark) {
            continue;
        }
        let start = run_back(bytes, sign, usize::from(*most), *ahead);
        if sign - start < usize::from(*least) {
            continue;
        }
        let end = run(first(bytes, behind + usize::from(*longest)), behind, *after);
        // Azure's tokens have three characters, a digit and `Q` before the `~`.
        let azure = byte != b'~' || before(bytes, sign) == b'Q' && is(at(bytes, sign.wrapping_sub(2)), DIGIT);
        if end - behind >= usize::from(*needed) && azure {
            return Some(start..end);
        }
    }
    match byte {
        b'_' => prefixed(bytes, sign),
        b'.' => dotted(bytes, sign),
        _ => None,
    }
}

/// Finds a token of a form that many providers use: a short lower-case prefix, `_`, and a random text of at least 30
/// letters and digits.
///
/// After `_live_`, `_test_` or `_prod_`, a random text of 16 characters is sufficient. If the text is a hexadecimal
/// number, it must have at least 32 digits, and the prefix must not name a digest, as in `sha256_`.
fn prefixed(bytes: &[u8], mark: usize) -> Option<Range<usize>> {
    let end = run(first(bytes, mark + 201), mark + 1, ALNUM);
    let rest = bytes.get(mark + 1..end)?;
    if rest.len() < 16 {
        return None;
    }
    let start = run_back(bytes, mark, 24, PREFIX);
    let prefix = bytes.get(start..mark)?;
    let pairs = || rest.windows(2);
    let changes = |kind: fn(&u8) -> bool| pairs().filter(|two| kind(&two[0]) != kind(&two[1])).count();
    let digits = changes(u8::is_ascii_digit);
    let drawn = rest.len() >= 30 && digits >= 5 && changes(u8::is_ascii_uppercase) >= 7;
    let live = prefix.ends_with(b"_live") || prefix.ends_with(b"_test") || prefix.ends_with(b"_prod");
    let live = live && std::str::from_utf8(rest).is_ok_and(|rest| looks_random(rest, 16));
    let hex =
        rest.len() >= 32 && digits >= 5 && rest.iter().all(u8::is_ascii_hexdigit) && !is_of_digest(prefix);
    let begins = prefix.first().is_some_and(u8::is_ascii_lowercase) && !is(before(bytes, start), ALNUM);
    (begins && (drawn || live || hex)).then_some(start..end)
}

/// Returns whether a prefix is the name of a digest, as in `sha256_…`, `layer_…`, `commit_…`. Digests aren't secret.
fn is_of_digest(prefix: &[u8]) -> bool {
    let prefix = std::str::from_utf8(prefix).unwrap_or_default();
    prefix.len() < 3 || parts(prefix, b"_").any(|part| means(trimmed(part, b"", b"0123456789"), DIGEST))
}

/// Finds tokens whose parts have fixed lengths, with dots between the parts: the tokens of Discord's bots, of Harness
/// and of Airtable, and old tokens of Vault.
fn dotted(bytes: &[u8], dot: usize) -> Option<Range<usize>> {
    let start = run_back(bytes, dot, 30, WORD);
    if !matches!(dot - start, 1 | 3 | 17 | 23..=28) {
        return None;
    }
    let second = run(first(bytes, dot + 80), dot + 1, WORD);
    let third = match at(bytes, second) {
        b'.' => run(first(bytes, second + 80), second + 1, WORD),
        _ => second,
    };
    match (dot - start, second - dot - 1, (third - second).saturating_sub(1)) {
        (23..=28, 6..=7, 27..) if matches!(at(bytes, start), b'M' | b'N' | b'O') => Some(start..third),
        (3, 22, 20..) if bytes.get(start..dot) != Some(b"www") => {
            Some(start..run(bytes, run(bytes, third, WORD) + 1, WORD))
        }
        (1, 24, _) if at(bytes, start) == b's' => Some(start..second),
        (17, 64, _) if bytes.get(start..start + 3) == Some(b"pat") => Some(start..second),
        _ => None,
    }
}

/// Returns the range of the body of a private key, and the position at which the scanner continues. `-----BEGIN ` is at
/// `place`. If `-----END` is missing, the body reaches to the end of the text.
pub(super) fn private_key(bytes: &[u8], place: usize) -> (Option<Range<usize>>, usize) {
    let label = place + "-----BEGIN ".len();
    let label_end = run(bytes, label, ALNUM | BLANK);
    let name = bytes.get(label..label_end).unwrap_or_default();
    let private = name.ends_with(b"PRIVATE KEY")
        || name.ends_with(b"PRIVATE KEY BLOCK")
        || name.ends_with(b"Static key V1");
    if !private {
        return (None, label);
    }
    let start = run(bytes, label_end + "-----".len(), SPACE);
    let rest = bytes.get(start..).unwrap_or_default();
    let end = start + find(rest, b"-----END").unwrap_or(rest.len());
    (Some(start..run_back(bytes, end, 16, SPACE).max(start)), end)
}

#[cfg(test)]
mod tests {
    use super::super::redact;
    use super::super::scan::SHORTEST_TOKEN;
    use super::*;

    #[test]
    fn every_prefix_of_the_table_is_found_in_the_middle_of_a_text() {
        for (class, least, prefixes) in TOKENS {
            for prefix in prefixes.split(' ') {
                let letters = match *class {
                    HEX => "0123456789",
                    CAPITAL => "A2B3C4",
                    _ => "a1B2c3D4e5F6",
                };
                let rest: String = letters.chars().cycle().take(usize::from(*least)).collect();
                let text = format!("upstream {prefix}{rest}, then");
                let shown = redact(&text);
                assert!(!shown.contains(&rest), "{shown}");
                assert!(
                    shown.starts_with("upstream ") && shown.ends_with(" then"),
                    "{shown}"
                );
                assert!(prefix.len() + rest.len() >= SHORTEST_TOKEN, "{prefix}");
            }
        }
    }

    #[test]
    fn json_web_tokens_go_whole() {
        let header = concat!("eyJ", "hbGciOiJIUzI1NiJ9");
        let text = format!("a={header}.eyJzdWIiOiJhIn0.c2lnbmF0dXJl b");
        assert_eq!(redact(&text), "a=******** b");
        assert_eq!(redact(&format!("{header}.eyJzdWIiOiJhIn0.")), "********");
        let unsigned = format!("{header}.{}", concat!("eyJ", "zdWIiOiIxMjM0NTY3ODkwIn0"));
        assert_eq!(redact(&unsigned), "********");
    }

    #[test]
    fn words_that_begin_alike_stay() {
        for text in [
            "skeleton sk-learn",
            "npm_package_name",
            "SKIPPED",
            "pypi-server",
            "key-value-store",
            "re_export",
            "api-gateway-service-with-a-very-long-name",
            "st.example.com",
            "s.example.com",
            "ASIA/Tokyo",
            "test_suite",
            "sha256:58e6b3a414a1e090dfc6029add0f3555ccba127f",
            "co_routine",
            "live_reload",
            "fw_version",
            "md-lint",
        ] {
            assert_eq!(redact(text), text);
        }
    }

    #[test]
    fn tokens_without_a_prefix_of_the_table_go_by_their_form() {
        let hex = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";
        for token in [
            format!("rootly_{hex}{hex}"),
            format!("ak_live_{}", concat!("XYZabc123", "XYZabc123")),
            format!("acme_{}", concat!("aB3dE5fG7hJ9kL1mN3", "pQ5rS7tU9vW1xY3z")),
            format!("{hex}-us12"),
            format!("12345678:{}", concat!("AAH1b2C3d4E5f6G7", "h8I9j0K1l2M3n4O5p6")),
        ] {
            let shown = redact(&token);
            assert_eq!(shown, "********", "{token}");
        }
        for plain in [
            format!("sha256_{hex}"),
            format!("commit_{hex}"),
            "blk_3921292580505776296".to_owned(),
        ] {
            assert_eq!(redact(&plain), plain);
        }
    }
}
