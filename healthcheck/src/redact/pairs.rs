//! Hides a secret value that follows a name and a separator: `password=x`, `"password": "x"`, `password: x`, nested
//! YAML, XML elements.

use std::ops::Range;

use super::addresses;
use super::bytes::*;
use super::names::{Family, Verdict, meaning_of_two};
use super::scan::Scan;
use super::values::{
    is_count, is_masked, is_number, is_placeholder, is_short_number, is_state, is_truth, looks_random,
};
use super::words::*;

/// The maximum length of a name without quotes, in bytes. Real names are shorter.
const LONGEST_NAME: usize = 128;
/// The maximum length of a name in quotes, in bytes.
const LONGEST_QUOTED_NAME: usize = 80;
/// One sign of a connection string is that a semicolon and another `name=` follow the value, as in `Password=a
/// b;Server=c`. The scanner searches for them in at most this many bytes, counted from the start of the value.
const LONGEST_PART: usize = 256;
/// If the closing quote of a text is missing, at most this many bytes count as the quoted text.
const LONGEST_UNCLOSED: usize = 4096;
/// How many bytes of a value are read at most to decide whether the value is secret. Without this bound, the scanner
/// could read to the end of the text at every name.
const ENOUGH_TO_JUDGE: usize = 320;

/// What precedes a name in the text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lead {
    /// The name is the first word on its line.
    Line,
    /// A punctuation mark, such as a comma or a bracket, precedes the name.
    Field,
    /// A word and a space precede the name.
    Prose,
    /// Any other character precedes the name, with no space between.
    Glued,
}

/// The syntax around a value without quotes. The syntax decides where the value ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Plain,
    /// A parameter of a URL, as in `?a=x&b=y`: the value ends at the ampersand.
    Parameter,
    /// A part of a connection string, as in `Password=a b;Server=c`: the value ends at the semicolon.
    ConnectionString,
}

struct Pair<'t> {
    name: &'t str,
    start: usize,
    verdict: Verdict,
    lead: Lead,
    /// Whether the name is in quotes or in brackets, as in JSON and in code.
    quoted_name: bool,
    colon: bool,
    /// Whether there is a space between the name and the separator.
    gap: bool,
    /// Whether there is no space between the separator and the value.
    tight: bool,
}

struct FoundValue<'t> {
    span: Range<usize>,
    text: &'t str,
    quoted: bool,
    container: bool,
}

/// Reads the name before and the value after a `=` or a `:`, and hides the value if it is secret. Returns the position
/// at which the scanner continues.
pub(super) fn separator(scan: &mut Scan<'_>, sign: usize) -> usize {
    let bytes = scan.bytes;
    let colon = bytes[sign] == b':';
    let next = at(bytes, sign + 1);
    if colon {
        if next == b'/' && at(bytes, sign + 2) == b'/' {
            return addresses::address(scan, sign);
        }
        // Two colons belong to a path in code, as in `a::b`. But if a space follows them, they separate a name and a
        // value, as in LDIF.
        if next == b':' && at(bytes, sign + 2) != b' ' || before(bytes, sign) == b':' {
            return sign + 1;
        }
        scan.mark(sign);
    }
    let mut after = sign + 1;
    while matches!(at(bytes, after), b'=' | b':') {
        after += 1;
    }
    let arrow = at(bytes, after) == b'>' && !colon;
    after += usize::from(arrow);
    match name_before(scan, sign, after, colon) {
        Some(pair) => assign(scan, pair, run(bytes, after, BLANK)).unwrap_or(after),
        None => after,
    }
}

/// Returns the name that ends before a separator, or `None` if the text before the separator can't be a name.
fn name_before<'t>(scan: &Scan<'t>, sign: usize, after: usize, colon: bool) -> Option<Pair<'t>> {
    let bytes = scan.bytes;
    let mut end = run_back(bytes, sign, 24, BLANK);
    if matches!(before(bytes, end), b'?' | b'+' | b'!') {
        end = run_back(bytes, end - 1, 2, BLANK);
    }
    let gap = end < sign;
    // If there are brackets, the name is before them, as in `keys[0]: x`, or inside them, as in `config['password'] =
    // x`.
    let bracket = before(bytes, end) == b']';
    if bracket {
        end = run_back(bytes, end - 1, 8, DIGIT);
        end -= usize::from(before(bytes, end) == b'[');
    }
    let mark = before(bytes, end);
    let quoted = is(mark, QUOTE);
    // `[name]: https://…` is a Markdown link.
    if bracket && colon && at(bytes, end) != b'[' && (!quoted || mark == b'`') {
        return None;
    }
    let start = if quoted {
        end = run_back(bytes, end - 1, MOST_BACKSLASHES, BACKSLASH);
        let floor = end.saturating_sub(LONGEST_QUOTED_NAME);
        // A quoted text that contains one of these characters isn't a name, as in `Get "https://h/?key=x": refused`.
        let ends = |byte: &u8| *byte == mark || b"\n:=/?&<>{}\\".contains(byte);
        let start = floor + bytes[floor..end].iter().rposition(ends)? + 1;
        if before(bytes, start) != mark {
            return None;
        }
        start
    } else {
        let start = run_back(bytes, end, LONGEST_NAME, NAME);
        // In `Unseal Key 1: x`, the name is before the number.
        match bytes.get(start..end) {
            Some(name) if name.iter().all(|byte| is(*byte, DIGIT)) => {
                if before(bytes, start) != b' ' {
                    return None;
                }
                run_back(bytes, start - 1, 32, NAME)
            }
            _ => start,
        }
    };
    let name = scan.part(start, end);
    if name.is_empty() {
        return None;
    }
    Some(Pair {
        name,
        start,
        verdict: scan.rules.verdict(name),
        lead: lead(bytes, start),
        quoted_name: quoted || bracket,
        colon: colon && at(bytes, after - 1) != b'>',
        gap,
        tight: !is(at(bytes, after), BLANK),
    })
}

fn lead(bytes: &[u8], start: usize) -> Lead {
    let edge = run_back(bytes, start, 64, BLANK);
    match before(bytes, edge) {
        0 | b'\n' | b'\r' => Lead::Line,
        // An escaped line feed (`\n` as two characters) begins a line too.
        b'n' | b'r' if at(bytes, edge.wrapping_sub(2)) == b'\\' => Lead::Line,
        b'-' | b'*' | b'#' if edge < start => Lead::Line,
        b'{' | b'[' | b'(' | b',' | b';' | b'|' | b'>' | b'&' | b'?' | b'"' | b'\'' | b'`' => Lead::Field,
        _ if edge < start => Lead::Prose,
        _ => Lead::Glued,
    }
}

/// Judges a pair of a name and a value, and hides the value if it is secret. The value begins at the position `value`.
/// Returns the position at which the scanner continues.
fn assign<'t>(scan: &mut Scan<'t>, mut pair: Pair<'t>, value: usize) -> Option<usize> {
    let bytes = scan.bytes;
    // In `src/use-key.c: …` and `src/use-key = …`, the name is part of the path of a file.
    let path = pair.gap && before(bytes, pair.start) == b'/';
    if !pair.quoted_name && pair.lead == Lead::Glued && (pair.colon || path) {
        return None;
    }
    let last = last_part(pair.name, b".");
    if means(last, NAME_KEY) {
        if let Some(end) = announce(scan, &pair, value, last) {
            return Some(end);
        }
    } else if means(last, VALUE_KEY) {
        pair.verdict = scan.announced.take().unwrap_or(pair.verdict);
    } else if pair.colon && matches!(pair.name, "data" | "stringData") && is_manifest(scan) {
        pair.verdict = Verdict::Of(Family::Strong);
    }
    // `use-exact-key.scm` is a file, and `db.password` is a setting. So in a name with dots, the part after the last
    // dot decides whether the value may be secret.
    let dotted = pair.colon && !pair.quoted_name && last.len() < pair.name.len();
    if dotted && pair.verdict != Verdict::Shown && scan.rules.verdict(last) == Verdict::Shown {
        return None;
    }
    let mark = before(bytes, pair.start);
    let parameter = matches!(mark, b'?' | b'&') && !pair.colon;
    if pair.verdict == Verdict::Shown {
        if parameter && means(pair.name, PARAMETER) {
            pair.verdict = Verdict::Of(Family::Faint);
        } else if !pair.quoted_name && mark == b' ' {
            // In `verification code: x`, two words form the name.
            let previous = &bytes[run_back(bytes, pair.start - 1, 16, NAME)..pair.start - 1];
            if meaning_of_two(previous, pair.name.as_bytes()) & STRONG != 0 {
                pair.verdict = Verdict::Of(Family::Strong);
            }
        }
    }
    if pair.verdict == Verdict::Shown || pair.colon && !pair.quoted_name && is_about_an_error(pair.name) {
        return None;
    }
    // The value of a header such as `Authorization` may contain spaces and punctuation. So hide the whole value.
    if pair.lead != Lead::Glued && means(pair.name, HEADER) {
        return Some(header(scan, &pair, value));
    }
    let next = at(bytes, value);
    if pair.colon && pair.lead == Lead::Line && matches!(next, b'\n' | b'\r' | b'|' | b'>' | 0) {
        let sure = pair.verdict.is_telling() || is_compound(pair.name);
        return if sure {
            block(scan, pair.start, value)
        } else {
            None
        };
    }
    // In `"Key:"`, the quote after the colon closes a string. After `=`, a backquote begins a command that a shell
    // runs. In both cases, no value follows.
    let closes = is(mark, QUOTE) && !pair.quoted_name && next == mark;
    if next == 0 || is(next, SPACE) || pair.tight && (closes || next == b'`' && !pair.colon) {
        return None;
    }
    let part = !pair.colon && !parameter && is_connection_string(bytes, pair.start, value);
    let style = match (parameter, part) {
        (true, _) => Style::Parameter,
        (_, true) => Style::ConnectionString,
        _ => Style::Plain,
    };
    if is_container(bytes, value) && !pair.may_hide_container() {
        return None;
    }
    let mut found = value_span(scan, value, style);
    if !pair.hides(scan, &found) {
        return None;
    }
    if style == Style::Plain && !found.quoted && !found.container {
        found.span.end = end_of_word(bytes, found.span.start, bytes.len());
    }
    let end = found.span.end;
    pair.hide(scan, found);
    Some(end)
}

/// Reads the first half of a pair such as `"name": "DB_PASSWORD", "value": "x"`. Stores the verdict on the name
/// `DB_PASSWORD` in the scan. This verdict decides whether the value `x` in the second half is secret.
fn announce(scan: &mut Scan<'_>, pair: &Pair<'_>, value: usize, key: &str) -> Option<usize> {
    if is_container(scan.bytes, value) {
        return None;
    }
    let found = value_span(scan, value, Style::Plain);
    let beside = find(first(&scan.bytes[found.span.end..], 24), b"val").is_some();
    if found.text.is_empty() || found.text.len() > 64 {
        return None;
    }
    if beside || pair.verdict == Verdict::Shown && key != "key" {
        scan.announced = Some(scan.rules.verdict(found.text));
        // Continue at the text `DB_PASSWORD`, because this text may itself contain a secret.
        return Some(found.span.start);
    }
    None
}

fn is_manifest(scan: &mut Scan<'_>) -> bool {
    let text = scan.text;
    *scan.is_manifest.get_or_insert_with(|| {
        let kind = find(text.as_bytes(), b"kind").and_then(|kind| text.get(kind + 4..));
        kind.is_some_and(|kind| begins(trimmed(kind, b"\": '", b"").as_bytes(), b"secret"))
    })
}

/// Returns whether a pair of a name and a value is part of a connection string, in which semicolons separate the parts:
/// `Password=a b;Server=c`.
fn is_connection_string(bytes: &[u8], start: usize, value: usize) -> bool {
    let window = first(&bytes[value..], LONGEST_PART);
    let end = memchr::memchr2(b';', b'\n', window).filter(|end| window[*end] == b';');
    let among = end.is_some_and(|end| {
        let next = memchr::memchr2(b'=', b'\n', &window[end..]).map(|next| window[end + next]);
        next == Some(b'=') && memchr::memchr2(b'"', b'&', &window[..end]).is_none()
    });
    among || before(bytes, run_back(bytes, start, 4, BLANK)) == b';'
}

fn is_container(bytes: &[u8], value: usize) -> bool {
    matches!(at(bytes, value), b'[' | b'{') && at(bytes, value + 1) != b'{'
}

/// Finds the range of the value that begins at the position `value`. The value ends at its closing quote, at its
/// closing bracket, or at the end of the word.
fn value_span<'t>(scan: &mut Scan<'t>, value: usize, style: Style) -> FoundValue<'t> {
    let bytes = scan.bytes;
    let start = inside_of_call(bytes, value, style);
    let inside = run(bytes, start, BACKSLASH);
    let mark = at(bytes, inside);
    let (mut quoted, mut container) = (false, false);
    let span = if is(mark, QUOTE) {
        let triple = at(bytes, inside + 1) == mark && at(bytes, inside + 2) == mark;
        let from = inside + if triple { 3 } else { 1 };
        quoted = true;
        from..closing_quote(scan, from, mark, inside - start)
    } else if is_container(bytes, start) {
        container = true;
        start..closing_bracket(scan, start)
    } else {
        start..match style {
            Style::Parameter => until(bytes, start, ENDS_PARAMETER),
            Style::ConnectionString => {
                let end = memchr::memchr3(b';', b'"', b'\n', &bytes[start..])
                    .map_or(bytes.len(), |end| start + end);
                run_back(bytes, end, 64, BLANK).max(start)
            }
            Style::Plain => end_of_word(bytes, start, ENOUGH_TO_JUDGE),
        }
    };
    FoundValue {
        text: scan.part(span.start, span.end),
        span,
        quoted,
        container,
    }
}

/// Returns the start of the inner value if there is a call or a prefix around it: `Some("x")`, `SecretString("x")`,
/// `b"x"`, PHP's `string(8) "x"`. Otherwise returns `value`.
fn inside_of_call(bytes: &[u8], value: usize, style: Style) -> usize {
    let mut start = value;
    for _ in 0..3 {
        let word = run(bytes, start, ALNUM);
        if word == start || word - start > 32 || style == Style::Parameter {
            break;
        }
        match at(bytes, word) {
            b'(' => {
                let length = run(bytes, word + 1, DIGIT);
                let counted = bytes.get(length..length + 3) == Some(b") \"");
                start = if counted && length > word + 1 {
                    length + 2
                } else {
                    word + 1
                };
            }
            b'"' | b'\'' if word - start <= 2 => start = word,
            _ => break,
        }
    }
    start
}

/// Returns the end of a value without quotes, at most `most` bytes after its start.
fn end_of_word(bytes: &[u8], start: usize, most: usize) -> usize {
    let mut end = until(first(bytes, start.saturating_add(most)), start, ENDS_BARE_VALUE);
    // An escaped line feed (`\n` as two characters) ends a line too.
    if let Some(feed) = bytes[start..end]
        .windows(2)
        .position(|two| matches!(two, b"\\n" | b"\\r"))
    {
        end = start + feed;
    }
    let opened = bytes[start..end].iter().any(|byte| b"([{".contains(byte));
    let closes = |byte: u8| b"\\.".contains(&byte) || !opened && b")]}".contains(&byte);
    while end > start && closes(bytes[end - 1]) {
        end -= 1;
    }
    end
}

/// Finds the closing quote of a text whose opening quote has `slashes` backslashes before it. If there is no closing
/// quote, returns the end of the line.
fn closing_quote(scan: &mut Scan<'_>, inside: usize, mark: u8, slashes: usize) -> usize {
    let bytes = scan.bytes;
    let kind = match mark {
        b'"' => 0,
        b'\'' => 1,
        _ => 2,
    };
    let mut from = inside;
    while from < scan.no_quote_from[kind] {
        let Some(found) = memchr::memchr(mark, bytes.get(from..).unwrap_or_default()) else {
            scan.no_quote_from[kind] = from;
            break;
        };
        let place = from + found;
        let own = backslashes_before(bytes, place).min(place - inside);
        // SQL and libpq escape an apostrophe by doubling it.
        let doubled = mark == b'\'' && place > inside && at(bytes, place + 1) == mark;
        if doubled {
            from = place + 2;
            continue;
        }
        if own <= slashes || slashes == 0 && own.is_multiple_of(2) {
            return place - own.min(slashes);
        }
        from = place + 1;
    }
    line_end_within(bytes, inside, LONGEST_UNCLOSED)
}

fn closing_bracket(scan: &mut Scan<'_>, start: usize) -> usize {
    let bytes = scan.bytes;
    let (mut depth, mut place) = (0_usize, start);
    while place < bytes.len() {
        match bytes[place] {
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth <= 1 => return place + 1,
            b'}' | b']' => depth -= 1,
            b'"' => place = closing_quote(scan, place + 1, b'"', 0),
            _ => {}
        }
        place += 1;
    }
    bytes.len()
}

impl Pair<'_> {
    /// Returns whether the position or the spelling of `name` shows that it is a name, and not a word of a sentence.
    fn is_sure(&self) -> bool {
        matches!(self.lead, Lead::Line | Lead::Field) || is_compound(self.name)
    }

    fn is_password(&self) -> bool {
        self.verdict == Verdict::Of(Family::Strong) || find(self.name.as_bytes(), b"pass").is_some()
    }

    fn hide(&self, scan: &mut Scan<'_>, found: FoundValue<'_>) {
        if self.quoted_name && !found.quoted && before(scan.bytes, self.start) == b'"' {
            let backslashes = backslashes_before(scan.bytes, self.start - 1);
            scan.hide_in_quotes(found.span, backslashes);
        } else {
            scan.hide(found.span);
        }
    }

    fn is_plural(&self) -> bool {
        self.name.ends_with(['s', 'S'])
    }

    fn may_hide_container(&self) -> bool {
        let bare_colon = self.colon && !self.quoted_name;
        let separated = self.lead == Lead::Field || !self.tight && self.is_sure();
        self.verdict.hides_containers() && (!bare_colon || self.verdict.is_telling() && separated)
    }

    /// Returns whether the value of this pair is secret.
    ///
    /// For example, the value of `password: x` is secret, and the value of `password: required` isn't.
    fn hides(&self, scan: &Scan<'_>, found: &FoundValue<'_>) -> bool {
        let text = found.text;
        let nothing = is_masked(text) || is_placeholder(text) || text == "value";
        if nothing
            || found.container && !self.may_hide_container()
            || !self.quoted_name && !self.separates(scan.bytes, found)
        {
            return false;
        }
        let reads = || self.quoted_name || self.reads_as_value(scan.bytes, found);
        match self.verdict {
            Verdict::Shown => false,
            Verdict::Of(Family::Carrier) => is_opaque(text),
            Verdict::Of(Family::Faint) => self.verdict.hides(text),
            Verdict::Of(Family::Strong) if self.is_plural() && is_count(text) => false,
            Verdict::Of(_) => self.verdict.hides(text) && reads(),
            Verdict::Fragment { telling: false } => {
                self.quoted_name || !(is_number(text) || is_truth(text) || is_state(text))
            }
            Verdict::Fragment { telling: true } => reads(),
        }
    }

    /// Returns whether the `=` or `:` after a name without quotes assigns the value to the name. In sentences and in
    /// code, the sign may have another meaning.
    fn separates(&self, bytes: &[u8], found: &FoundValue<'_>) -> bool {
        let text = found.text;
        if !self.colon {
            return self.tight || self.gap || found.quoted || looks_random(text, 8);
        }
        if self.verdict == (Verdict::Fragment { telling: false }) {
            // In the YAML line `KEYBOARD_LAYOUT: us`, the colon assigns a value. In the log line `KeyguardMonitor:
            // screen is off`, it doesn't.
            let next = at(bytes, found.span.end + usize::from(found.quoted));
            let alone = matches!(next, 0 | b'\n' | b'\r');
            return is_compound(self.name) && (self.lead == Lead::Line && alone || looks_random(text, 8));
        }
        if self.tight {
            let drawn = looks_random(text, if self.verdict.hides_containers() { 6 } else { 20 });
            let open = !starts(text, b"/\\:") && !found.container;
            // In `python3-jwt:amd64`, the text after the colon is the architecture of a package, not a secret.
            let telling = self.verdict.is_telling() && (self.lead != Lead::Prose || is_password(self.name));
            return (telling || drawn) && (open || self.lead == Lead::Field);
        }
        true
    }

    /// Returns whether the text after the separator is a value, and not the continuation of a sentence.
    fn reads_as_value(&self, bytes: &[u8], found: &FoundValue<'_>) -> bool {
        let text = found.text;
        if !found.quoted && (is_state(text) || is_number(text) && !is_short_number(text)) {
            return false;
        }
        if !self.colon || found.container {
            return true;
        }
        let digits = all(text, DIGIT, b"");
        if self.tight {
            return !is_short_number(text) || self.is_password() && self.lead == Lead::Field && !digits;
        }
        let sure = self.is_sure() || self.is_password();
        if found.quoted {
            return sure || looks_random(text, 8);
        }
        let next = run(bytes, found.span.end, BLANK);
        let word = run(bytes, next, ALNUM);
        let goes_on = next > found.span.end && word > next && !matches!(at(bytes, word), b':' | b'=');
        if all(text, UPPER | LOWER, b"'-.,") {
            return sure && !goes_on;
        }
        if text.len() <= 4 && digits {
            return self.is_sure() && self.verdict.is_telling() && !self.is_plural() && !goes_on;
        }
        sure || looks_random(text, 8)
    }
}

/// Hides the YAML values below a secret name: block scalars, nested maps, lists. Returns the end of the last hidden
/// value.
fn block(scan: &mut Scan<'_>, name: usize, value: usize) -> Option<usize> {
    let bytes = scan.bytes;
    let indent = name - run_back(bytes, name, 256, BLANK);
    let scalar = matches!(at(bytes, value), b'|' | b'>');
    let mut place = line_end_within(bytes, value, bytes.len()) + 1;
    let mut last = None;
    while place < bytes.len() {
        let start = run(bytes, place, BLANK);
        let end = line_end_within(bytes, start, bytes.len());
        if end > start {
            let item = start - place == indent && bytes[start] == b'-' && !scalar;
            if start - place <= indent && !item {
                break;
            }
            let line = &bytes[start..end];
            let from = match memchr::memchr(b':', line) {
                Some(colon) if !scalar => run(bytes, start + colon + 1, BLANK),
                _ if line[0] == b'-' => run(bytes, start + 1, BLANK),
                _ => start,
            };
            if !scalar && from == start && line.contains(&b' ') {
                break;
            }
            scan.hide(from.min(end)..end);
            last = Some(end);
        }
        place = end + 1;
    }
    last
}

/// Hides the whole value of a header, as in `Cookie: a=x; b=y`. Shows the scheme, such as `Bearer` in `Authorization:
/// Bearer x`.
fn header(scan: &mut Scan<'_>, pair: &Pair<'_>, value: usize) -> usize {
    let bytes = scan.bytes;
    let found = value_span(scan, value, Style::Plain);
    if found.container {
        let end = found.span.end;
        pair.hide(scan, found);
        return end;
    }
    let (start, end) = if found.quoted {
        (found.span.start, found.span.end)
    } else {
        // A header in quotes, such as an argument of curl or a JSON string, ends at the closing quote.
        let floor = pair.start.saturating_sub(LONGEST_NAME);
        let opened = memchr::memrchr3(b'"', b'\'', b'\n', &bytes[floor..pair.start]);
        let opened = opened.map_or(b'\n', |mark| bytes[floor + mark]);
        let ends = opened == b'"' || before(bytes, pair.start) == opened;
        let mark = if ends { opened } else { b'\n' };
        let close = memchr::memchr2(mark, b'\n', &bytes[value..]).map_or(bytes.len(), |close| value + close);
        (value, close - backslashes_before(bytes, close).min(close - value))
    };
    let word = run(bytes, start, ALNUM);
    let scheme = at(bytes, word) == b' ' && means(scan.part(start, word), SCHEME);
    let from = if scheme { word + 1 } else { start };
    let text = scan.part(from, end).trim();
    let plain = is_state(text) || is_placeholder(text) || is_truth(text);
    // In `- cookie: fix a leak`, the text after the colon is a sentence, not the value of a header.
    let sentence = split_at(text, b' ').is_some_and(|(first, _)| !looks_random(first, 8) && !has(text, b"="));
    if !plain && (scheme || !sentence) {
        scan.hide(from..end);
    }
    end.max(from)
}

/// Hides the content of an XML element with a secret name: `<password>x</password>`, `<password type="a">x</password>`.
/// Returns the position at which the scanner continues.
pub(super) fn element(scan: &mut Scan<'_>, close: usize) -> usize {
    let bytes = scan.bytes;
    let floor = close.saturating_sub(160);
    let open = memchr::memrchr3(b'<', b'>', b'\n', &bytes[floor..close]).map_or(0, |open| floor + open + 1);
    if before(bytes, open) != b'<' || !is(at(bytes, open), NAME) {
        return close + 1;
    }
    let mut name = scan.part(open, run(bytes, open, NAME));
    if at(bytes, open + name.len()) == b':' {
        let local = open + name.len() + 1;
        name = scan.part(local, run(bytes, local, NAME));
    }
    let (key, mut verdict) = (means(name, NAME_KEY), scan.rules.verdict(name));
    // In `<property name="password">x</property>`, the value `x` belongs to the name `password` in the attribute.
    // `scan.announced` contains the verdict on this name.
    if scan.announced.is_some()
        && (name == "string"
            || means(name, VALUE_KEY)
            || at(bytes, close + 1) != b'<' && find(&bytes[open..close], b"name=").is_some())
    {
        verdict = scan.announced.take().unwrap_or(verdict);
    }
    let mut start = close + 1;
    let rest = &bytes[start..];
    if key {
        let end = until(first(bytes, start + 64), start, ENDS_ADDRESS);
        scan.announced = Some(scan.rules.verdict(scan.part(start, end)));
        return start;
    }
    if !verdict.is_telling() && verdict != Verdict::Of(Family::Weak) && !verdict.hides_containers() {
        return start;
    }
    let end = if let Some(data) = rest.strip_prefix(b"<![CDATA[") {
        start += "<![CDATA[".len();
        let window = first(data, LONGEST_UNCLOSED);
        start + find(window, b"]]>").unwrap_or(window.len())
    } else {
        start + memchr::memchr(b'<', rest).unwrap_or(rest.len())
    };
    let text = scan.part(start, end).trim();
    // In `Vec<Key> = …`, no closing tag follows. So the `>` doesn't belong to an XML element.
    let closed = bytes[end..].starts_with(b"</") || bytes[end..].starts_with(b"]]>");
    if is_truth(text) || !closed || !verdict.hides(text) {
        return close + 1;
    }
    let start = run(bytes, start, SPACE);
    scan.hide(start..start + text.len());
    end
}

/// Returns whether a name consists of several joined words, as in `api_key`, `X-Api-Key` and `authToken`. Sentences
/// rarely contain such words.
fn is_compound(name: &str) -> bool {
    has(name, b"_-.$") || has_hump(name)
}

/// Returns whether a name contains a lower-case letter before a capital, as in `authToken`.
pub(super) fn has_hump(name: &str) -> bool {
    name.as_bytes()
        .windows(2)
        .any(|two| is(two[0], LOWER) && is(two[1], UPPER))
}

/// Returns whether a name is the type of an error, as in `KeyError: 'name'` and `InvalidTokenError: …`. The text after
/// such a name describes the error.
fn is_about_an_error(name: &str) -> bool {
    const ENDS: [&[u8]; 6] = [b"error", b"exception", b"err", b"failure", b"warning", b"errors"];
    name == "PASS" || ENDS.iter().any(|end| ends(name.as_bytes(), end))
}

/// Returns whether a text looks random and has no separators. The redactor can only hide such a text as a whole.
pub(super) fn is_opaque(text: &str) -> bool {
    !has(text, b"/@=; :") && looks_random(text, 8)
}

/// Returns whether a name means a password. The value of such a name is hidden even if it doesn't look random.
pub(super) fn is_password(name: &str) -> bool {
    means(name, PASSWORD) || find(name.as_bytes(), b"pass").is_some()
}
