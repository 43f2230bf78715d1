//! A parser for the header `Accept`. It follows the grammar of HTTP and borrows from the header instead of copying.

use super::headers::is_of_token;

/// One member of an `Accept` header: a media range with its parameters and its weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range<'a> {
    pub(super) kind: &'a str,
    pub(super) subkind: &'a str,
    /// Whether the range has a parameter `version`, as Prometheus sends it with `text/plain`.
    pub(super) versioned: bool,
    /// The weight in thousandths. It is 1000 if the range has no `q`.
    pub(super) quality: u16,
}

/// The parser reads only this many ranges of a header. No real client sends more.
const MOST_RANGES: usize = 256;

/// Returns the ranges of a header in their order. Skips members that aren't media ranges, and every member after the
/// 256th.
pub(super) fn ranges(header: &str) -> impl Iterator<Item = Range<'_>> {
    split_outside_quotes(header, b',')
        .take(MOST_RANGES)
        .filter_map(range)
}

impl Range<'_> {
    /// Returns whether the range is `*/*` or `type/*`.
    pub(super) fn is_wild(&self) -> bool {
        self.subkind == "*"
    }
}

fn range(member: &str) -> Option<Range<'_>> {
    let mut parts = split_outside_quotes(member, b';').map(str::trim);
    let (kind, subkind) = parts.next()?.split_once('/')?;
    let (kind, subkind) = (kind.trim_end(), subkind.trim_start());
    // `*/html` isn't a media range; without this test its `*` would match every type.
    if !is_token(kind) || !is_token(subkind) || (kind == "*" && subkind != "*") {
        return None;
    }
    let mut range = Range {
        kind,
        subkind,
        versioned: false,
        quality: 1000,
    };
    for parameter in parts {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let name = name.trim_end();
        if name.eq_ignore_ascii_case("q") {
            range.quality = quality(value.trim_start())?;
            // Parameters after `q` belong to the header field and not to the media range.
            break;
        }
        range.versioned |= name.eq_ignore_ascii_case("version");
    }
    Some(range)
}

/// Parses a weight such as `0`, `0.5`, `1` or `1.000`. Returns `None` for anything else.
fn quality(value: &str) -> Option<u16> {
    let (whole, places) = value.split_once('.').unwrap_or((value, ""));
    if places.len() > 3 || !places.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let thousandths = places.bytes().chain(std::iter::repeat(b'0')).take(3);
    let thousandths = thousandths.fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'));
    match whole {
        "0" => Some(thousandths),
        "1" if thousandths == 0 => Some(1000),
        _ => None,
    }
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_of_token)
}

fn split_outside_quotes(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let (mut quoted, mut escaped) = (false, false);
        let end = text.bytes().position(|byte| {
            let was_escaped = std::mem::take(&mut escaped);
            match byte {
                _ if was_escaped => {}
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                _ => return byte == separator && !quoted,
            }
            false
        });
        let (part, behind) = match end.and_then(|end| text.split_at_checked(end)) {
            Some((part, behind)) => (part, behind.get(1..)),
            None => (text, None),
        };
        rest = behind;
        Some(part)
    })
}

/// Returns the type, the subtype and the weight of each range, for the fuzz target.
#[cfg(fuzzing)]
pub(crate) fn accepted(header: &str) -> impl Iterator<Item = (&str, &str, u16)> {
    ranges(header).map(|range| (range.kind, range.subkind, range.quality))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: &str) -> Vec<(String, bool, u16)> {
        ranges(header)
            .map(|range| {
                let kind = format!("{}/{}", range.kind, range.subkind);
                (kind, range.versioned, range.quality)
            })
            .collect()
    }

    #[test]
    fn weights_and_parameters_are_read_with_any_space() {
        assert_eq!(
            read("text/html , application/json ;\tq = 0.5;x=1,\ttext/plain; Version=0.0.4;q=0.25"),
            [
                ("text/html".into(), false, 1000),
                ("application/json".into(), false, 500),
                ("text/plain".into(), true, 250),
            ]
        );
    }

    #[test]
    fn a_comma_in_quotes_separates_nothing() {
        assert_eq!(
            read(r#"text/html;title="a,b;\",q=0", */*;q=0.1"#),
            [("text/html".into(), false, 1000), ("*/*".into(), false, 100)]
        );
    }

    #[test]
    fn what_is_no_media_range_is_passed_over() {
        for header in [
            "",
            ",",
            ",,;",
            "json",
            "/",
            "text/",
            "/html",
            "*/html",
            "text/html/x y",
            "te xt/html",
            "text/html;q=2",
            "text/html;q=-1",
            "text/html;q=0.1234",
            "text/html;q=",
            "text/html;q=1.001",
            "text/html;q=nan",
            "text/html;q=0,5x/",
            "\"text/html",
        ] {
            assert_eq!(
                read(header)
                    .into_iter()
                    .filter(|(kind, ..)| kind == "text/html")
                    .count(),
                usize::from(header == "text/html;q=0,5x/"),
                "{header:?}"
            );
        }
    }

    #[test]
    fn a_token_has_letters_digits_and_the_marks_of_the_rfc() {
        for byte in 0..=u8::MAX {
            let is_mark = b"!#$%&'*+-.^_`|~".contains(&byte);
            assert_eq!(
                is_of_token(byte),
                is_mark || byte.is_ascii_alphanumeric(),
                "{byte}"
            );
        }
    }

    #[test]
    fn every_weight_of_http_is_read() {
        for (text, thousandths) in [
            ("0", 0),
            ("0.", 0),
            ("0.0", 0),
            ("0.001", 1),
            ("0.5", 500),
            ("0.85", 850),
            ("1", 1000),
            ("1.", 1000),
            ("1.000", 1000),
        ] {
            assert_eq!(quality(text), Some(thousandths), "{text}");
        }
    }

    #[test]
    fn of_an_endless_header_only_the_beginning_is_read() {
        let header = "a/b,".repeat(100_000);
        assert_eq!(ranges(&header).count(), MOST_RANGES);
    }
}
