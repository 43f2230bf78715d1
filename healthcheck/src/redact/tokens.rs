//! Tokens known by their prefix, and JSON Web Tokens.

use super::bytes::{ALNUM, DIGIT, HEX, at, is, run_back_of, run_of, run_while, set};
use super::scan::Scan;
use super::token_tables::{Alphabet, TOKENS};

/// The table by first byte: the entries that begin with one are those whose places in the table stand in `places` from
/// `from[byte]` to `from[byte + 1]`.
struct ByFirst {
    from: [u16; 257],
    places: [u16; TOKENS.len()],
}

static BY_FIRST: ByFirst = by_first();

/// Sorted by counting, while compiling.
const fn by_first() -> ByFirst {
    let mut sorted = ByFirst {
        from: [0; 257],
        places: [0; TOKENS.len()],
    };
    let mut byte = 0;
    let mut count = 0;
    while byte < 256 {
        sorted.from[byte] = count;
        let mut index = 0;
        while index < TOKENS.len() {
            if TOKENS[index].0.as_bytes()[0] as usize == byte {
                sorted.places[count as usize] = index as u16;
                count += 1;
            }
            index += 1;
        }
        byte += 1;
    }
    sorted.from[256] = count;
    sorted
}

/// How an object begins in base64: the header of a JSON Web Token.
const JSON: [&str; 2] = ["eyJ", "ewo"];

/// Which two bytes begin an entry or a header, a bit each: a quick no for nearly every word.
static BEGINNINGS: [u64; 1024] = beginnings();

const fn beginnings() -> [u64; 1024] {
    let mut bits = [0; 1024];
    let mut index = 0;
    while index < TOKENS.len() + JSON.len() {
        let prefix = if index < TOKENS.len() {
            TOKENS[index].0.as_bytes()
        } else {
            JSON[index - TOKENS.len()].as_bytes()
        };
        let two = (prefix[0] as usize) << 8 | prefix[1] as usize;
        bits[two >> 6] |= 1 << (two & 63);
        index += 1;
    }
    bits
}

fn may_begin(first: u8, second: u8) -> bool {
    let two = usize::from(first) << 8 | usize::from(second);
    BEGINNINGS
        .get(two >> 6)
        .is_some_and(|bits| bits >> (two & 63) & 1 == 1)
}

/// The entries that begin with a byte.
fn beginning_with(first: u8) -> impl Iterator<Item = &'static (&'static str, Alphabet, usize)> {
    let bound = |byte: usize| BY_FIRST.from.get(byte).map_or(0, |from| usize::from(*from));
    let places = BY_FIRST
        .places
        .get(bound(usize::from(first))..bound(usize::from(first) + 1));
    places
        .unwrap_or_default()
        .iter()
        .filter_map(|place| TOKENS.get(usize::from(*place)))
}

impl Alphabet {
    fn has(self, byte: u8) -> bool {
        match self {
            Self::Hex => is(byte, HEX),
            Self::Alnum => is(byte, ALNUM),
            Self::Upper => byte.is_ascii_uppercase() || is(byte, DIGIT),
            Self::Word => is(byte, ALNUM) || matches!(byte, b'_' | b'-'),
            Self::Wide => {
                is(byte, ALNUM) || matches!(byte, b'_' | b'-' | b'.' | b'=' | b'+' | b'/' | b'~' | b'%')
            }
            Self::Crypt => Self::Wide.has(byte) || matches!(byte, b'$' | b',' | b':'),
        }
    }
}

/// The header of a JSON Web Token.
const SHORTEST_HEADER: usize = 10;

/// No token is shorter: no JSON Web Token, which has four dots or a payload behind its header, and none of the table.
pub(super) const SHORTEST: usize = {
    let mut shortest = SHORTEST_HEADER + 4;
    let mut index = 0;
    while index < TOKENS.len() {
        let length = TOKENS[index].0.len() + TOKENS[index].2;
        if length < shortest {
            shortest = length;
        }
        index += 1;
    }
    shortest
};

pub(super) fn find(scan: &mut Scan<'_>) {
    let bytes = scan.bytes;
    let mut place = 0;
    let mut inside_word = false;
    while place + SHORTEST <= bytes.len() {
        let byte = at(bytes, place);
        let was_inside = std::mem::replace(&mut inside_word, is(byte, ALNUM));
        // A token begins where a word does, or with a sign of its own.
        let end = if was_inside && inside_word || !may_begin(byte, at(bytes, place + 1)) {
            None
        } else {
            json_web_token(bytes, place).or_else(|| known(bytes, place))
        };
        let Some(end) = end else {
            place += 1;
            continue;
        };
        let start = if byte == b':' {
            run_back_of(
                bytes,
                place.saturating_sub(16),
                place,
                set!(|byte| is(byte, DIGIT)),
            )
        } else {
            place
        };
        scan.spans.hide(start..end);
        // What is left of a word behind a token begins none.
        place = run_of(bytes, end, set!(|byte| is(byte, ALNUM)));
        inside_word = false;
    }
}

/// Where the token of the table ends that begins at `start`.
fn known(bytes: &[u8], start: usize) -> Option<usize> {
    let second = at(bytes, start + 1);
    let rest = bytes.get(start..)?;
    beginning_with(at(rest, 0)).find_map(|(prefix, alphabet, shortest)| {
        if at(prefix.as_bytes(), 1) != second || !rest.starts_with(prefix.as_bytes()) {
            return None;
        }
        let from = start + prefix.len();
        // The shortest is looked at first: a run that is long and wrong is never read to its end.
        let needed = bytes.get(from..from + shortest)?;
        if !needed.iter().all(|byte| alphabet.has(*byte)) || !is_drawn(prefix, *alphabet, needed) {
            return None;
        }
        if *prefix == ":A"
            && start
                - run_back_of(
                    bytes,
                    start.saturating_sub(12),
                    start,
                    set!(|byte| is(byte, DIGIT)),
                )
                < 5
        {
            return None;
        }
        let end = run_while(bytes, from + shortest, |byte| alphabet.has(byte));
        // `SK` and 32 digits of hexadecimal are a key, `SK` and a longer word are a word.
        let whole = match alphabet {
            Alphabet::Hex => !is(at(bytes, end), ALNUM),
            Alphabet::Upper => end == from + shortest && !is(at(bytes, end), ALNUM),
            _ => true,
        };
        whole.then_some(end)
    })
}

/// Short prefixes need a rest that no word has.
fn is_drawn(prefix: &str, alphabet: Alphabet, rest: &[u8]) -> bool {
    let separated = prefix.ends_with(['_', '-', '.']);
    let certain = prefix.len() > 4 || separated && alphabet == Alphabet::Alnum && rest.len() >= 20;
    if certain || matches!(alphabet, Alphabet::Hex | Alphabet::Upper) {
        return true;
    }
    let digits = rest.iter().filter(|byte| is(**byte, DIGIT)).count();
    let capitals = rest.iter().filter(|byte| byte.is_ascii_uppercase()).count();
    let small = rest.iter().filter(|byte| byte.is_ascii_lowercase()).count();
    digits > 0 && capitals + small > 0 || capitals > 0 && small > 0
}

/// `eyJ….eyJ….…`, signed, unsigned or encrypted.
fn json_web_token(bytes: &[u8], start: usize) -> Option<usize> {
    let rest = bytes.get(start..)?;
    if JSON.iter().all(|header| !rest.starts_with(header.as_bytes())) {
        return None;
    }
    let part = |from: usize| {
        run_of(
            bytes,
            from,
            set!(|byte| is(byte, ALNUM) || matches!(byte, b'_' | b'-' | b'=')),
        )
    };
    let header = part(start);
    if header - start < SHORTEST_HEADER || at(bytes, header) != b'.' {
        return None;
    }
    let payload = part(header + 1);
    let mut end = payload;
    let mut parts = 2;
    while at(bytes, end) == b'.' && parts < 5 {
        end = part(end + 1);
        parts += 1;
    }
    // An encrypted one with a direct key has an empty second part.
    (parts >= 3 && (payload - header > 4 || parts == 5)).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::super::redact;
    use super::*;

    #[test]
    fn every_shape_of_the_table_is_found_in_the_middle_of_a_text() {
        for (prefix, alphabet, shortest) in TOKENS {
            let letters = match alphabet {
                Alphabet::Hex => "0123456789",
                Alphabet::Upper => "A2B3C4",
                _ => "a1B2c3D4e5F6",
            };
            let rest: String = letters.chars().cycle().take(*shortest).collect();
            let number = if *prefix == ":A" { "12345678" } else { "" };
            let text = format!("upstream {number}{prefix}{rest}, then");
            let shown = redact(&text);
            assert!(!shown.contains(&rest), "{shown}");
            assert!(
                shown.starts_with("upstream ") && shown.ends_with(" then"),
                "{shown}"
            );
        }
    }

    #[test]
    fn json_web_tokens_go_whole() {
        let header = concat!("eyJ", "hbGciOiJIUzI1NiJ9");
        let text = format!("a={header}.eyJzdWIiOiJhIn0.c2lnbmF0dXJl b");
        assert_eq!(redact(&text), "a=******** b");
        assert_eq!(redact(&format!("{header}.eyJzdWIiOiJhIn0.")), "********");
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
}
