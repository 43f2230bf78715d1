//! A text on its way through the scanners.

use super::quoted::Closings;
use super::rules::Rules;
use super::signs::Signs;
use super::spans::Spans;
use super::{
    assignments, commands, connection_strings, embedded, manifests, markup, pairs, password_files, pem,
    prose, schemes, shapes, structs, tokens, unspaced, url, user_info,
};

#[derive(Debug)]
pub(super) struct Scan<'t> {
    pub(super) text: &'t str,
    pub(super) bytes: &'t [u8],
    pub(super) signs: Signs,
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
            signs: Signs::of(text.as_bytes()),
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
    /// texts are short and lack the signs without which a scanner finds nothing.
    pub(super) fn run(&mut self) -> Spans {
        for (needs, find) in SCANNERS {
            let may_find = match needs {
                Needs::All(signs) => self.signs.all(*signs),
                Needs::Any(signs) => self.signs.any(*signs),
            };
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

/// What a text must have for a scanner to find anything in it.
enum Needs {
    All(Signs),
    Any(Signs),
}

const fn all(signs: &[u8]) -> Needs {
    Needs::All(Signs::each(signs))
}

const fn any(signs: &[u8]) -> Needs {
    Needs::Any(Signs::each(signs))
}

type Scanner = fn(&mut Scan<'_>);

static SCANNERS: &[(Needs, Scanner)] = &[
    (all(b"- BEGIN"), pem::find),
    (all(b"- :PL"), pem::putty),
    (all(b"/"), url::find),
    (all(b"@:"), user_info::find),
    (all(b":oracle@/"), connection_strings::oracle),
    (all(b"@/"), connection_strings::easy_connect),
    (all(b":"), password_files::find),
    (any(b"=:"), assignments::find),
    (any(b"(["), pairs::find),
    (all(b": kS"), manifests::find),
    (all(b"<>"), markup::find),
    (all(b"{"), structs::find),
    (all(b" "), commands::find),
    (all(b""), tokens::find),
    (any(shapes::SIGNS), shapes::find),
    (all(b" "), schemes::find),
    (any(b" \t("), prose::find),
    (any(b"\xe5\xe3\xe6\xeb"), unspaced::find),
    (all(b""), embedded::find),
];
