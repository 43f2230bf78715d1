//! Tokens known by something in their middle or at their end.

use std::ops::Range;

use super::bytes::{ALNUM, DIGIT, HEX, LETTER, Set, at, before, each_of, is, run, run_back_of, run_of, set};
use super::scan::Scan;
use super::sieve::of_table;
use super::signs::Signs;

struct Shape {
    /// What gives the shape away.
    mark: &'static [u8],
    /// Where in it the one stands that is among [`SIGNS`].
    sign: usize,
    before: &'static Set,
    least_before: usize,
    most_before: usize,
    after: &'static Set,
    least_after: usize,
    most_after: usize,
}

const SHAPES: &[Shape] = &[
    // HashiCorp's Terraform cloud.
    Shape {
        mark: b".atlasv1.",
        sign: 0,
        before: LETTERS_DIGITS,
        least_before: 10,
        most_before: 20,
        after: WORD,
        least_after: 40,
        most_after: 120,
    },
    // OpenAI's keys of every kind.
    Shape {
        mark: b"T3BlbkFJ",
        sign: 7,
        before: WORD,
        least_before: 16,
        most_before: 200,
        after: WORD,
        least_after: 16,
        most_after: 200,
    },
    // Azure's application secrets: three characters, a digit, the mark.
    Shape {
        mark: b"Q~",
        sign: 1,
        before: AZURE,
        least_before: 4,
        most_before: 4,
        after: AZURE,
        least_after: 30,
        most_after: 40,
    },
    Shape {
        mark: b"_mmk",
        sign: 0,
        before: WORD,
        least_before: 30,
        most_before: 40,
        after: NONE,
        least_after: 0,
        most_after: 0,
    },
    // Mailchimp: the data centre stands at the end.
    Shape {
        mark: b"-us",
        sign: 0,
        before: HEXADECIMAL,
        least_before: 32,
        most_before: 32,
        after: DIGITS,
        least_after: 1,
        most_after: 2,
    },
    // Facebook's application tokens.
    Shape {
        mark: b"|",
        sign: 0,
        before: DIGITS,
        least_before: 13,
        most_before: 17,
        after: WORD,
        least_after: 20,
        most_after: 44,
    },
    Shape {
        mark: b"%",
        sign: 0,
        before: DIGITS,
        least_before: 14,
        most_before: 17,
        after: WORD,
        least_after: 25,
        most_after: 44,
    },
    // Asana's personal tokens, without the `1/` before the user's number.
    Shape {
        mark: b":",
        sign: 0,
        before: DIGITS,
        least_before: 14,
        most_before: 17,
        after: HEXADECIMAL,
        least_after: 32,
        most_after: 32,
    },
    // Authress and Harness.
    Shape {
        mark: b".acc_",
        sign: 0,
        before: DOTTED,
        least_before: 8,
        most_before: 60,
        after: WIDE,
        least_after: 40,
        most_after: 200,
    },
    Shape {
        mark: b".acc-",
        sign: 0,
        before: DOTTED,
        least_before: 8,
        most_before: 60,
        after: WIDE,
        least_after: 40,
        most_after: 200,
    },
    // Firebase's server keys.
    Shape {
        mark: b":APA91b",
        sign: 0,
        before: WORD,
        least_before: 8,
        most_before: 40,
        after: WORD,
        least_after: 60,
        most_after: 200,
    },
];

const LETTERS_DIGITS: &Set = set!(|byte| is(byte, ALNUM));
const DIGITS: &Set = set!(|byte| is(byte, DIGIT));
const HEXADECIMAL: &Set = set!(|byte| is(byte, HEX));
const WORD: &Set = set!(|byte| is(byte, ALNUM) || matches!(byte, b'_' | b'-'));
const DOTTED: &Set = set!(|byte| WORD.has(byte) || byte == b'.');
const WIDE: &Set = set!(|byte| DOTTED.has(byte) || matches!(byte, b'=' | b'+' | b'/'));
const AZURE: &Set = set!(|byte| DOTTED.has(byte) || byte == b'~');
const NONE: &Set = &Set::EMPTY;

/// What every mark has, once, and few other words have.
pub(super) const SIGNS: &[u8] = b".J~_-|%:";

static IS_SIGN: Set = of_table!(Set: SIGNS);

/// The sign of each shape.
const SIGN_OF: [u8; SHAPES.len()] = {
    let mut signs = [0; SHAPES.len()];
    let mut index = 0;
    while index < SHAPES.len() {
        signs[index] = SHAPES[index].mark[SHAPES[index].sign];
        index += 1;
    }
    signs
};

/// The shortest shape, Vault's old tokens, has a dot; without one none is shorter than [`SHORTEST_UNDOTTED`].
const SHORTEST: usize = 26;
const SHORTEST_UNDOTTED: usize = 32;

pub(super) fn find(scan: &mut Scan<'_>) {
    let bytes = scan.bytes;
    let shortest = if scan.signs.all(Signs::each(b".")) {
        SHORTEST
    } else {
        SHORTEST_UNDOTTED
    };
    if bytes.len() < shortest {
        return;
    }
    // Where the last one of each shape ended. Those of different shapes may overlap: what either has is hidden.
    let mut ends = [0; SHAPES.len()];
    let mut dotted_end = 0;
    for place in each_of(bytes, &IS_SIGN) {
        let sign = at(bytes, place);
        let of_sign = SIGN_OF.iter().zip(SHAPES).zip(&mut ends);
        for ((_, shape), end) in of_sign.filter(|((own, _), _)| **own == sign) {
            if let Some(found) = shape.around(bytes, *end, place) {
                *end = found.end;
                scan.spans.hide(found);
            }
        }
        match sign {
            b'_' => scan.spans.hide(prefixed(bytes, place).unwrap_or_default()),
            b'.' if place >= dotted_end => {
                if let Some(found) = dotted_parts(bytes, place) {
                    dotted_end = found.end;
                    scan.spans.hide(found);
                }
            }
            _ => {}
        }
    }
}

impl Shape {
    /// The token around the mark that has its sign at a place, behind where the one before ended.
    fn around(&self, bytes: &[u8], from: usize, sign: usize) -> Option<Range<usize>> {
        let mark = sign.checked_sub(self.sign).filter(|mark| *mark >= from)?;
        let after = mark + self.mark.len();
        if bytes.get(mark..after) != Some(self.mark) {
            return None;
        }
        let floor = mark.saturating_sub(self.most_before).max(from);
        let start = run_back_of(bytes, floor, mark, self.before);
        let window = bytes.get(..after + self.most_after).unwrap_or(bytes);
        let end = run_of(window, after, self.after);
        (mark - start >= self.least_before && end - after >= self.least_after).then_some(start..end)
    }
}

/// What makers of tokens agree on by now, whoever they are: a short prefix in small letters, `_`, and far more drawn
/// letters and digits of both cases than identifiers have (those of Stripe and Clerk end at 27).
fn prefixed(bytes: &[u8], mark: usize) -> Option<Range<usize>> {
    if bytes.len() - mark <= SHORTEST_DRAWN {
        return None;
    }
    let window = bytes.get(..mark + 1 + LONGEST_DRAWN).unwrap_or(bytes);
    let end = run(window, mark + 1, ALNUM);
    if end - mark <= SHORTEST_DRAWN || !is_drawn(bytes.get(mark + 1..end).unwrap_or_default()) {
        return None;
    }
    let start = run_back_of(
        bytes,
        mark.saturating_sub(LONGEST_PREFIX),
        mark,
        set!(|byte| byte.is_ascii_lowercase() || is(byte, DIGIT) || byte == b'_'),
    );
    (at(bytes, start).is_ascii_lowercase() && !is(before(bytes, start), ALNUM)).then_some(start..end)
}

const SHORTEST_DRAWN: usize = 30;
const LONGEST_DRAWN: usize = 200;
const LONGEST_PREFIX: usize = 16;

/// Small letters, capitals and digits in turns, as no name of a function has them.
fn is_drawn(text: &[u8]) -> bool {
    let changes = |kind: fn(&u8) -> bool| text.chunk_by(|one, two| kind(one) == kind(two)).count();
    changes(u8::is_ascii_digit) >= 6
        && changes(u8::is_ascii_uppercase) >= 8
        && changes(u8::is_ascii_lowercase) >= 8
}

/// Parts of fixed lengths between dots: Discord's bots, Harness, Vault's old tokens, Airtable.
fn dotted_parts(bytes: &[u8], dot: usize) -> Option<Range<usize>> {
    if !is(before(bytes, dot), ALNUM) {
        return None;
    }
    let start = run_back_of(bytes, dot.saturating_sub(30), dot, WORD);
    if !matches!(dot - start, 1 | 3 | 17 | 23..=28) {
        return None;
    }
    let second = run_of(bytes.get(..dot + 80).unwrap_or(bytes), dot + 1, WORD);
    let third = if at(bytes, second) == b'.' {
        run_of(bytes.get(..second + 80).unwrap_or(bytes), second + 1, WORD)
    } else {
        second
    };
    let lengths = (dot - start, second - dot - 1, (third - second).saturating_sub(1));
    let head = bytes.get(start..dot)?;
    let end = match lengths {
        // Discord: the user's number in base64, six characters of time, the rest.
        (23..=28, 6..=7, 27..) if matches!(at(bytes, start), b'M' | b'N' | b'O') => third,
        // Harness.
        (3, 22, 20..) if matches!(head, b"pat" | b"sat") => run_of(bytes, third, DOTTED),
        // Vault before 1.10.
        (1, 24, _) if head == b"s" && bytes.get(dot + 1..second).is_some_and(mixed) => second,
        // Airtable.
        (17, 64, _) if head.starts_with(b"pat") => second,
        _ => return None,
    };
    Some(start..end)
}

fn mixed(text: &[u8]) -> bool {
    text.iter().any(|byte| is(*byte, DIGIT)) && text.iter().any(|byte| is(*byte, LETTER))
}

#[cfg(test)]
mod tests {
    use super::super::redact;
    use super::*;

    #[test]
    fn every_mark_has_its_sign() {
        assert!(SIGN_OF.iter().all(|sign| SIGNS.contains(sign)));
    }

    #[test]
    fn tokens_without_a_prefix_are_known_by_their_shape() {
        let drawn = |length: usize| "a1b2c3d4e5f6".chars().cycle().take(length).collect::<String>();
        for token in [
            format!("{}.atlasv1.{}", drawn(14), drawn(67)),
            format!("{}8Q~{}", "abc", drawn(34)),
            format!("{}-us12", drawn(32)),
            format!("123456789012345|{}", drawn(27)),
            format!("M{}.{}.{}", drawn(23), drawn(6), drawn(27)),
            format!("s.{}", drawn(24)),
            format!("pat.{}.{}.{}", drawn(22), drawn(24), drawn(20)),
            format!("someone_live_{}", "a1B2c3D4e5F6".repeat(3)),
            format!("1234567890123456:{}", "0123456789abcdef".repeat(2)),
        ] {
            let text = format!("upstream {token} then");
            assert_eq!(redact(&text), "upstream ******** then");
        }
        // The one begins inside of the other.
        let both = format!(
            "ab_{}T3BlbkFJ{}-{}",
            "a1B2c3D4e5F6".repeat(3),
            drawn(20),
            drawn(30)
        );
        assert_eq!(redact(&format!("upstream {both} then")), "upstream ******** then");
        for plain in [
            "a|b registry.us-east-1.example.com n.us1 file.name.txt s.example.com",
            "price_1MoBy5LkdIwHu7ixZhnattbh user_2NNEqL2nrIRdJ194ndJqAHwEfxC",
            "test_ItReturns200WhenTheServerIsHealthyAnd503WhenNot",
            "image_58e6b3a414a1e090dfc6029add0f3555ccba127f",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(redact(plain), plain);
        }
    }
}
