//! Tokens known by something in their middle or at their end.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::bytes::{ALNUM, DIGIT, HEX, LETTER, at, before, is, run, run_back, run_while};
use super::scan::Scan;

struct Shape {
    /// What gives the shape away.
    mark: &'static [u8],
    before: fn(u8) -> bool,
    least_before: usize,
    most_before: usize,
    after: fn(u8) -> bool,
    least_after: usize,
    most_after: usize,
}

const SHAPES: &[Shape] = &[
    // HashiCorp's Terraform cloud.
    Shape {
        mark: b".atlasv1.",
        before: alnum,
        least_before: 10,
        most_before: 20,
        after: word,
        least_after: 40,
        most_after: 120,
    },
    // OpenAI's keys of every kind.
    Shape {
        mark: b"T3BlbkFJ",
        before: word,
        least_before: 16,
        most_before: 200,
        after: word,
        least_after: 16,
        most_after: 200,
    },
    // Azure's application secrets: three characters, a digit, the mark.
    Shape {
        mark: b"Q~",
        before: azure,
        least_before: 4,
        most_before: 4,
        after: azure,
        least_after: 30,
        most_after: 40,
    },
    Shape {
        mark: b"_mmk",
        before: word,
        least_before: 30,
        most_before: 40,
        after: none,
        least_after: 0,
        most_after: 0,
    },
    // Mailchimp: the data centre stands at the end.
    Shape {
        mark: b"-us",
        before: hex,
        least_before: 32,
        most_before: 32,
        after: digit,
        least_after: 1,
        most_after: 2,
    },
    // Facebook's application tokens.
    Shape {
        mark: b"|",
        before: digit,
        least_before: 13,
        most_before: 17,
        after: word,
        least_after: 20,
        most_after: 44,
    },
    Shape {
        mark: b"%",
        before: digit,
        least_before: 14,
        most_before: 17,
        after: word,
        least_after: 25,
        most_after: 44,
    },
    // Asana's personal tokens, without the `1/` before the user's number.
    Shape {
        mark: b":",
        before: digit,
        least_before: 14,
        most_before: 17,
        after: hex,
        least_after: 32,
        most_after: 32,
    },
    // Authress and Harness.
    Shape {
        mark: b".acc_",
        before: dotted,
        least_before: 8,
        most_before: 60,
        after: wide,
        least_after: 40,
        most_after: 200,
    },
    Shape {
        mark: b".acc-",
        before: dotted,
        least_before: 8,
        most_before: 60,
        after: wide,
        least_after: 40,
        most_after: 200,
    },
    // Firebase's server keys.
    Shape {
        mark: b":APA91b",
        before: word,
        least_before: 8,
        most_before: 40,
        after: word,
        least_after: 60,
        most_after: 200,
    },
];

fn alnum(byte: u8) -> bool {
    is(byte, ALNUM)
}

fn digit(byte: u8) -> bool {
    is(byte, DIGIT)
}

fn hex(byte: u8) -> bool {
    is(byte, HEX)
}

fn word(byte: u8) -> bool {
    is(byte, ALNUM) || matches!(byte, b'_' | b'-')
}

fn dotted(byte: u8) -> bool {
    word(byte) || byte == b'.'
}

fn wide(byte: u8) -> bool {
    dotted(byte) || matches!(byte, b'=' | b'+' | b'/')
}

fn azure(byte: u8) -> bool {
    dotted(byte) || byte == b'~'
}

fn none(_: u8) -> bool {
    false
}

/// What looks for the marks, built once.
static FINDERS: LazyLock<Vec<Finder<'static>>> =
    LazyLock::new(|| SHAPES.iter().map(|shape| Finder::new(shape.mark)).collect());

pub(super) fn find(scan: &mut Scan<'_>) {
    let bytes = scan.bytes;
    // The shortest shape of all is longer.
    if bytes.len() < 24 {
        return;
    }
    for (shape, finder) in SHAPES.iter().zip(FINDERS.iter()) {
        let mut from = 0;
        for mark in finder.find_iter(bytes) {
            if mark < from {
                continue;
            }
            let start = run_back(
                bytes,
                mark.saturating_sub(shape.most_before).max(from),
                mark,
                shape.before,
            );
            let after = mark + shape.mark.len();
            let window = bytes.get(..after + shape.most_after).unwrap_or(bytes);
            let end = run_while(window, after, shape.after);
            if mark - start >= shape.least_before && end - after >= shape.least_after {
                scan.spans.hide(start..end);
                from = end;
            }
        }
    }
    prefixed(scan);
    dotted_parts(scan);
}

/// What makers of tokens agree on by now, whoever they are: a short prefix in small letters, `_`, and far more drawn
/// letters and digits of both cases than identifiers have (those of Stripe and Clerk end at 27).
fn prefixed(scan: &mut Scan<'_>) {
    let bytes = scan.bytes;
    for mark in memchr::memchr_iter(b'_', bytes) {
        let window = bytes.get(..mark + 1 + LONGEST_DRAWN).unwrap_or(bytes);
        let end = run(window, mark + 1, ALNUM);
        if end - mark <= SHORTEST_DRAWN || !is_drawn(bytes.get(mark + 1..end).unwrap_or_default()) {
            continue;
        }
        let start = run_back(bytes, mark.saturating_sub(LONGEST_PREFIX), mark, |byte| {
            byte.is_ascii_lowercase() || is(byte, DIGIT) || byte == b'_'
        });
        if at(bytes, start).is_ascii_lowercase() && !is(before(bytes, start), ALNUM) {
            scan.spans.hide(start..end);
        }
    }
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
fn dotted_parts(scan: &mut Scan<'_>) {
    let bytes = scan.bytes;
    let mut from = 0;
    for (dot, byte) in bytes.iter().enumerate() {
        if *byte != b'.' || dot < from || !is(before(bytes, dot), ALNUM) {
            continue;
        }
        let start = run_back(bytes, dot.saturating_sub(30), dot, word);
        let second = run_while(bytes.get(..dot + 80).unwrap_or(bytes), dot + 1, word);
        let third = if at(bytes, second) == b'.' {
            run_while(bytes.get(..second + 80).unwrap_or(bytes), second + 1, word)
        } else {
            second
        };
        let lengths = (dot - start, second - dot - 1, (third - second).saturating_sub(1));
        let head = scan.part(start, dot);
        let end = match lengths {
            // Discord: the user's number in base64, six characters of time, the rest.
            (23..=28, 6..=7, 27..) if matches!(at(bytes, start), b'M' | b'N' | b'O') => third,
            // Harness.
            (3, 22, 20..) if matches!(head, "pat" | "sat") => run_while(bytes, third, dotted),
            // Vault before 1.10.
            (1, 24, _) if head == "s" && bytes.get(dot + 1..second).is_some_and(mixed) => second,
            // Airtable.
            (17, 64, _) if head.starts_with("pat") => second,
            _ => continue,
        };
        scan.spans.hide(start..end);
        from = end;
    }
}

fn mixed(text: &[u8]) -> bool {
    text.iter().any(|byte| is(*byte, DIGIT)) && text.iter().any(|byte| is(*byte, LETTER))
}

#[cfg(test)]
mod tests {
    use super::super::redact;

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
