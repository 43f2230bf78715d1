//! Base64 in either alphabet, with or without padding, as far as it is text.

/// The bytes behind a run of base64, `None` where it is none.
pub(super) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let end = text
        .iter()
        .rposition(|byte| *byte != b'=')
        .map_or(0, |last| last + 1);
    let text = text.get(..end)?;
    if text.len() % 4 == 1 {
        return None;
    }
    let mut decoded = Vec::with_capacity(text.len() / 4 * 3 + 3);
    for group in text.chunks(4) {
        decoded.extend(of_group(group)?.iter().take(group.len() - 1));
    }
    Some(decoded)
}

/// The first bytes behind a run, without allocating.
pub(super) fn head<const LENGTH: usize>(text: &[u8]) -> Option<[u8; LENGTH]> {
    let mut head = [0; LENGTH];
    for (place, group) in head.chunks_mut(3).zip(text.get(..LENGTH / 3 * 4)?.chunks(4)) {
        place.copy_from_slice(&of_group(group)?);
    }
    Some(head)
}

/// Of a group that was cut the last bytes are none.
fn of_group(group: &[u8]) -> Option<[u8; 3]> {
    let mut bits = 0_u32;
    for byte in group {
        bits = bits << 6 | u32::from(value(*byte)?);
    }
    bits <<= 6 * (4 - group.len());
    let [_, bytes @ ..] = bits.to_be_bytes();
    Some(bytes)
}

fn value(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_alphabets_and_missing_padding_are_read() {
        for (text, expected) in [
            ("", Some(&b""[..])),
            ("TQ==", Some(b"M")),
            ("TWE", Some(b"Ma")),
            ("TWFu", Some(b"Man")),
            ("-_8", Some(&[0xfb, 0xff])),
            ("+/8=", Some(&[0xfb, 0xff])),
            ("TWFuT", None),
            ("TW u", None),
        ] {
            assert_eq!(decode(text.as_bytes()).as_deref(), expected, "{text}");
        }
    }
}
