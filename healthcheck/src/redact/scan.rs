//! A text on its way through the scanners.

use super::quoted::Closings;
use super::rules::Rules;
use super::spans::Spans;
use super::{
    assignments, commands, connection_strings, embedded, manifests, markup, pairs, pem, prose, schemes,
    shapes, structs, tokens, unspaced, url, user_info,
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
            closings: Closings::new(),
        }
    }

    pub(super) fn part(&self, start: usize, end: usize) -> &'t str {
        self.text.get(start..end).unwrap_or_default()
    }

    /// Everything that is to be hidden. Each scanner reads the text once, so the whole is linear in its length; most
    /// texts are short and lack the signs that most scanners look for, so those are asked for first.
    pub(super) fn run(mut self) -> Spans {
        let signs = Signs::of(self.bytes);
        let scanners: [(&[u8], Scanner); 15] = [
            (b"-", pem::find),
            (b"/", url::find),
            (b"@", user_info::find),
            (b"@:", connection_strings::find),
            (b"=:", assignments::find),
            (b"([", pairs::find),
            (b":", manifests::find),
            (b"<", markup::find),
            (b"{", structs::find),
            (b" ", commands::find),
            (b"", tokens::find),
            (b".|~_:-8%", shapes::find),
            (b" ", schemes::find),
            (b" \t(", prose::find),
            (b"\xe5\xe3\xe6\xeb", unspaced::find),
        ];
        for (wanted, find) in scanners {
            if wanted.is_empty() || wanted.iter().any(|sign| signs.has(*sign)) {
                find(&mut self);
                if self.probe && !self.spans.is_empty() {
                    return self.spans;
                }
            }
        }
        if self.depth < DEEPEST {
            embedded::find(&mut self, signs.has(b'%'), signs.has(b'&'));
        }
        self.spans
    }
}

/// Which bytes a text has.
struct Signs([bool; 256]);

impl Signs {
    fn of(bytes: &[u8]) -> Self {
        let mut seen = [false; 256];
        for byte in bytes {
            if let Some(seen) = seen.get_mut(usize::from(*byte)) {
                *seen = true;
            }
        }
        Self(seen)
    }

    fn has(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte)).copied().unwrap_or_default()
    }
}
