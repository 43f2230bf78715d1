//! A text on its way through the scanners.

use std::borrow::Cow;

use super::quoted::Closings;
use super::rules::Rules;
use super::spans::Spans;
use super::{
    assignments, commands, connection_strings, embedded, manifests, markup, pairs, pem, prose, schemes,
    shapes, tokens, url, user_info,
};

/// How often text inside text is unpacked: base64 in percent-encoding in JSON.
pub(super) const DEEPEST: u8 = 2;

#[derive(Debug)]
pub(super) struct Scan<'t> {
    pub(super) text: &'t str,
    pub(super) bytes: &'t [u8],
    pub(super) rules: &'t Rules,
    pub(super) depth: u8,
    /// The text is the value of a name that announces a connection string.
    pub(super) carrier: bool,
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
            spans: Spans::default(),
            closings: Closings::new(),
        }
    }

    pub(super) fn part(&self, start: usize, end: usize) -> &'t str {
        self.text.get(start..end).unwrap_or_default()
    }

    /// Everything that is to be hidden. Each scanner reads the text once, so the whole is linear in its length.
    pub(super) fn run(mut self) -> Spans {
        pem::find(&mut self);
        url::find(&mut self);
        user_info::find(&mut self);
        connection_strings::find(&mut self);
        assignments::find(&mut self);
        pairs::find(&mut self);
        manifests::find(&mut self);
        markup::find(&mut self);
        commands::find(&mut self);
        tokens::find(&mut self);
        shapes::find(&mut self);
        schemes::find(&mut self);
        prose::find(&mut self);
        if self.depth < DEEPEST {
            embedded::find(&mut self);
        }
        self.spans
    }
}

/// The text by the built-in rules.
pub(super) fn redact<'a>(text: &'a str, rules: &Rules, depth: u8) -> Cow<'a, str> {
    Scan::new(text, rules, depth).run().apply(text)
}
