//! A text on its way through the scanners.

use super::quoted::Closings;
use super::rules::Rules;
use super::spans::Spans;
use super::{
    assignments, commands, connection_strings, embedded, manifests, markup, pairs, password_files, pem,
    prose, schemes, shapes, structs, tokens, unspaced, url, user_info,
};

/// How often text inside text is unpacked: base64 in percent-encoding in JSON.
pub(super) const DEEPEST: u8 = 2;

type Scanner = fn(&mut Scan<'_>);

#[derive(Debug)]
pub(super) struct Scan<'t> {
    pub(super) text: &'t str,
    pub(super) bytes: &'t [u8],
    pub(super) rules: &'t Rules,
    pub(super) depth: u8,
    /// The text is the value of a name that announces a connection string.
    pub(super) carrier: bool,
    /// Only whether anything is to be hidden is asked.
    pub(super) probe: bool,
    pub(super) spans: Spans,
    pub(super) closings: Closings,
}

impl<'t> Scan<'t> {
    pub(super) fn new(text: &'t str, rules: &'t Rules, depth: u8) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            rules,
            depth,
            carrier: false,
            probe: false,
            spans: Spans::default(),
            closings: Closings::default(),
        }
    }

    pub(super) fn part(&self, start: usize, end: usize) -> &'t str {
        self.text.get(start..end).unwrap_or_default()
    }

    /// Everything that is to be hidden. Each scanner reads the text once, so the whole is linear in its length; most
    /// texts are short and lack the signs without which a scanner finds nothing, so those are looked for first.
    pub(super) fn run(&mut self) -> Spans {
        let signs = Signs::of(self.bytes);
        let scanners: [(bool, Scanner); 18] = [
            (signs.all(b"- BEGIN") || signs.all(b"- :PL"), pem::find),
            (signs.double_slash, url::find),
            (signs.all(b"@:"), user_info::find),
            (signs.all(b":oracle@/"), connection_strings::oracle),
            (signs.all(b"@/"), connection_strings::easy_connect),
            (signs.colons >= 4, password_files::find),
            (signs.any(b"=:"), assignments::find),
            (signs.any(b"(["), pairs::find),
            (signs.all(b": kS"), manifests::find),
            (signs.all(b"<>"), markup::find),
            (signs.any(b"{"), structs::find),
            (signs.any(b" "), commands::find),
            (true, tokens::find),
            (signs.any(shapes::SIGNS), shapes::find),
            (signs.any(b" "), schemes::find),
            (signs.any(b" \t("), prose::find),
            (signs.any(b"\xe5\xe3\xe6\xeb"), unspaced::find),
            (self.depth < DEEPEST, embedded::find),
        ];
        for (may_find, find) in scanners {
            if may_find {
                find(self);
                if self.probe && !self.spans.is_empty() {
                    break;
                }
            }
        }
        std::mem::take(&mut self.spans)
    }
}

/// What a text has, of all that scanners need.
struct Signs {
    seen: [bool; 256],
    double_slash: bool,
    colons: usize,
}

impl Signs {
    fn of(bytes: &[u8]) -> Self {
        let mut signs = Self {
            seen: [false; 256],
            double_slash: false,
            colons: 0,
        };
        for byte in bytes {
            // There is a place for every byte.
            signs.seen[*byte as usize] = true;
        }
        if signs.has(b':') {
            signs.colons = memchr::memchr_iter(b':', bytes).count();
        }
        signs.double_slash = signs.has(b'/') && bytes.windows(2).any(|two| two == b"//");
        signs
    }

    fn has(&self, byte: u8) -> bool {
        self.seen[byte as usize]
    }

    fn any(&self, bytes: &[u8]) -> bool {
        bytes.iter().any(|byte| self.has(*byte))
    }

    fn all(&self, bytes: &[u8]) -> bool {
        bytes.iter().all(|byte| self.has(*byte))
    }
}
