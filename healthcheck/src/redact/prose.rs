//! Hides secrets in sentences: `password is x`, `with password "x"`, `Bearer x`, `requirepass x`, `identified by 'x'`.

use super::bytes::*;
use super::names::{LAST_TWO, meaning_of, meaning_of_two};
use super::pairs::{has_hump, is_password};
use super::scan::Scan;
use super::values::{is_long_run_of_letters, is_path, is_placeholder, is_setting, is_state, looks_random};
use super::words::*;

/// The longest word that can announce a secret, in bytes.
const LONGEST_WORD: usize = 40;
/// The longest secret in a sentence, in bytes.
const LONGEST_SECRET: usize = 512;

/// If the word from `start` to `end` announces a secret without a separator, as in `password x`, hides that secret.
#[inline]
pub(super) fn announcement(scan: &mut Scan<'_>, start: usize, end: usize) {
    let (one, two) = (scan.bytes[end - 2], scan.bytes[end - 1]);
    let known = LAST_TWO[usize::from(two & 31)] >> (one & 31) & 1 == 1 && two.is_ascii_alphabetic()
        || two.is_ascii_digit() && scan.bytes[start].is_ascii_alphabetic();
    if (known || scan.rules.adds_names()) && end - start <= LONGEST_WORD {
        announced(scan, start, end);
    }
}

#[inline(never)]
fn announced(scan: &mut Scan<'_>, start: usize, end: usize) {
    let bytes = scan.bytes;
    let word = scan.part(start, end);
    let meaning = meaning_of(trimmed(word, b"", b"0123456789").as_bytes());
    let hump = has_hump(word);
    let may_tell = meaning & (TELLING | STRONG) != 0 || hump || scan.rules.adds_names();
    let scheme = meaning & SCHEME != 0 && meaning & TELLING == 0;
    let by = word.eq_ignore_ascii_case("by");
    if !may_tell && !by && meaning & (SCHEME | PAIRED) == 0 {
        return;
    }
    if by && !ends(&bytes[..start], b"identified ") {
        return;
    }
    let from = run_back(bytes, start, 24, NAME);
    let name = scan.part(from, end);
    let mut told = scheme || by || may_tell && scan.rules.verdict(name).is_telling();
    if before(bytes, from) == b' ' {
        // `verification code x` contains a secret, but `primary key x` doesn't.
        let previous = &bytes[run_back(bytes, from - 1, 16, NAME)..from - 1];
        let pair = meaning_of_two(previous, name.as_bytes());
        told = (told || pair & STRONG != 0) && pair & NOT_TELLING == 0;
    }
    if !told {
        return;
    }
    let password = by || is_password(word);
    let given = password && is_behind_user(scan, start);
    let (place, filled) = behind_fillers(scan, end);
    // `pass` is also a verb, as in `checks pass`. `pass` names a password only after the name of a user, as in `login
    // app pass x`.
    if word.eq_ignore_ascii_case("pass") && !given {
        return;
    }
    if is(at(bytes, place), QUOTE) {
        quoted(scan, place, password);
        return;
    }
    let stop = until(first(bytes, place + LONGEST_SECRET), place, ENDS_BARE_VALUE);
    let text = trimmed(scan.part(place, stop), b"", b".:!?)]}>");
    let longest = longest_part(text);
    let strange = |byte: u8| byte.is_ascii_digit() || b"!$#%&*".contains(&byte);
    // A hyphen directly after the word usually only joins two words, as in `pin-project/issues/12`. The text behind the
    // hyphen counts as a secret only if it is long and looks random, as in `holidayapiKEY-123e4567-…`.
    if bytes[end] == b'-' && !(text.len() >= 20 && all(text, WORD, b"") && looks_random(text, 20)) {
        return;
    }
    let drawn = looks_random(longest, if scheme { 8 } else { 6 })
        || is_long_run_of_letters(text)
        || scheme && word.eq_ignore_ascii_case("basic") && is_user_and_password(text)
        || password && filled && text.len() >= 6 && text.bytes().any(strange)
        || given && text.len() >= 4 && !is_setting(text);
    let other = has_address(text) || is_path(text) || !scheme && has(text, b"=(>");
    if drawn && !other {
        scan.hide(place..place + text.len());
    }
}

/// Skips words such as `is`, `was set to` or `for user app:` after the name of a secret. Returns the position at which
/// the secret begins, and whether any word was skipped.
fn behind_fillers(scan: &Scan<'_>, word: usize) -> (usize, bool) {
    let bytes = scan.bytes;
    let mut place = word;
    let mut filled = false;
    for _ in 0..4 {
        place = run(bytes, place, BLANK);
        place += usize::from(matches!(at(bytes, place), b'(' | b'<'));
        let next = run(bytes, place, ALNUM);
        let filler = scan.part(place, next);
        if filler == "for" {
            return owner(scan, next).map_or((place, filled), |behind| (behind, true));
        }
        if !means(filler, FILLER) || !matches!(at(bytes, next), b' ' | b':') {
            break;
        }
        filled = true;
        place = next + usize::from(at(bytes, next) == b':');
    }
    // A hyphen may separate a name and its secret: `API key - x`, `holidayapiKEY-x`.
    if at(bytes, place) == b'-' && (at(bytes, place + 1) == b' ' || place == word) {
        place = run(bytes, place + 1, BLANK);
    }
    (place, filled)
}

/// Skips the owner of a secret and the sign or verb after it, as in `for bob is x` and `for user bob: x`. Returns the
/// position after the colon or the verb.
fn owner(scan: &Scan<'_>, from: usize) -> Option<usize> {
    let bytes = scan.bytes;
    let mut start = run(bytes, from, BLANK);
    let kind = run(bytes, start, ALNUM);
    if means(scan.part(start, kind), USER) {
        start = run(bytes, kind, BLANK);
    }
    let end = until(first(bytes, from + 64), start, SPACE);
    let next = run(bytes, end, BLANK);
    match scan.part(next, run(bytes, next, ALNUM)) {
        _ if before(bytes, end) == b':' && end > start + 1 => Some(next),
        verb @ ("is" | "was") => Some(run(bytes, next + verb.len(), BLANK)),
        _ => None,
    }
}

/// Returns whether the name of a user precedes the word at `start`, as in `login app password x` in a netrc file.
fn is_behind_user(scan: &Scan<'_>, start: usize) -> bool {
    let bytes = scan.bytes;
    let user = run_back(bytes, start.saturating_sub(1), 32, NAME);
    let word = run_back(bytes, user.saturating_sub(1), 8, ALNUM);
    before(bytes, start) == b' '
        && user + 1 < start
        && before(bytes, user) == b' '
        && matches!(scan.part(word, user - 1), "login" | "user")
        && !matches!(scan.part(user, start - 1), "and" | "or")
}

fn quoted(scan: &mut Scan<'_>, place: usize, password: bool) {
    let bytes = scan.bytes;
    let rest = &bytes[place + 1..line_end_within(bytes, place + 1, LONGEST_SECRET)];
    let Some(length) = memchr::memchr(bytes[place], rest) else {
        return;
    };
    let close = place + 1 + length;
    let text = scan.part(place + 1, close);
    // In `token "name": …`, the quoted text is a name. The module `pairs` handles such a name and its value.
    let name = matches!(at(bytes, close + 1), b':' | b'=');
    let plain = name || has_address(text) || is_state(text) || is_placeholder(text);
    if !plain && (password && !has(text, b" ") && text.len() >= 3 || looks_random(text, 8)) {
        scan.hide(place + 1..close);
    }
}

/// Returns whether a text is `user:password` in base64, as after `Authorization: Basic`.
fn is_user_and_password(base64: &str) -> bool {
    decode_base64(trimmed(base64, b"", b"=").as_bytes())
        .is_some_and(|text| has(&text, b":") && !text.bytes().any(|byte| byte.is_ascii_control()))
}
