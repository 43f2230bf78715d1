//! Masks secrets. Every value passes through this module before it leaves the process.
//!
//! A value is secret by its name or by its form.
//!
//! A value is secret by its **name** if its name contains `key`, `token` or `pass` (the rule of py-healthcheck). The
//! name can be the name of a variable, key, argument or header. The redactor hides the value and everything inside the
//! value.
//!
//! If the name contains another word for a secret, such as `secret`, `credential`, `session` or `signature`, the
//! redactor hides the value unless the value clearly isn't a secret.
//!
//! A value is secret by its **form**, anywhere in a text, if it is a password in a URL or a connection string, an
//! `Authorization` value, a JSON Web Token, a private key, or a token with a known prefix. The redactor also finds such
//! values inside JSON, base64 and percent-encoding.
//!
//! The mask replaces only the secret part of a value: `postgres://app:********@db/prod` still shows the host.
//!
//! # How it works
//!
//! Three tables contain the rules: `words` has words and their meanings, `tokens` has the prefixes of tokens, and
//! `arguments` has programs with their flags.
//!
//! One scanner (`read`, with its state in `scan`) reads a text once, and looks up its words, prefixes and programs in
//! these tables. The scanner looks back at most a fixed distance. Redacting therefore takes time proportional to the
//! length of the text.
//!
//! **Add code for a new kind of secret only if the code finds at least five secrets in texts that its author didn't
//! write.** For a new prefix, word or program, add an entry to a table instead.
//!
//! Earlier versions had code for PuTTY's keys and for password files, for example. In 3,624 test cases, that code found
//! no secret that the rest of this module missed.
//!
//! This module depends on no other module of the crate.

mod addresses;
#[cfg(test)]
mod api_tests;
mod arguments;
mod bytes;
#[cfg(test)]
mod corpus_tests;
mod names;
mod pairs;
#[cfg(test)]
mod properties_tests;
mod prose;
mod read;
mod scan;
mod shapes;
#[cfg(test)]
mod text_tests;
mod tokens;
mod values;
mod walk;
mod words;

use std::borrow::Cow;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde_json::Value;

use self::names::Verdict;
use self::scan::Scan;

/// The replacement for a secret.
pub(crate) const MASK: &str = "********";

/// Your own rules for secrets. They apply in addition to the built-in rules.
///
/// By default, each method finds no secrets. Implement only the method that you need.
///
/// The methods must not block. The library calls them when it publishes a result, and not when it answers a request.
///
/// # Examples
///
/// ```
/// use std::borrow::Cow;
/// # use healthcheck::Redactor;
///
/// /// Hides customer numbers.
/// struct CustomerNumbers;
///
/// impl Redactor for CustomerNumbers {
///     fn is_secret_name(&self, name: &str) -> bool {
///         name.eq_ignore_ascii_case("customer")
///     }
///
///     fn redact_text<'a>(&self, text: &'a str) -> Cow<'a, str> {
///         match text.find("CUST-") {
///             Some(start) => Cow::Owned(format!("{}********", &text[..start])),
///             None => Cow::Borrowed(text),
///         }
///     }
/// }
/// ```
pub trait Redactor: Send + Sync + 'static {
    /// Returns whether a value with this name is secret. If so, the library hides the value and everything inside the
    /// value. The default implementation returns `false`.
    ///
    /// `name` is the name of a variable, key, argument or header, in its original spelling.
    fn is_secret_name(&self, name: &str) -> bool {
        let _ = name;
        false
    }

    /// Returns the text with its secrets replaced, or `Cow::Borrowed(text)` if the text has no secrets. The default
    /// implementation returns the text unchanged.
    ///
    /// The library has already redacted the text by the built-in rules. If this method panics, the library hides the
    /// whole text.
    fn redact_text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        Cow::Borrowed(text)
    }
}

/// Masks the secrets in a text by the built-in rules. Use it for the logs of your own application.
///
/// Takes time proportional to the length of the text, and never panics. If the text has no secret, returns it unchanged
/// as `Cow::Borrowed`.
///
/// # Examples
///
/// ```
/// # use healthcheck::redact;
/// let error = "connecting to postgres://app:hunter2@db/prod: timed out";
/// assert_eq!(redact(error), "connecting to postgres://app:********@db/prod: timed out");
/// ```
#[must_use]
pub fn redact(text: &str) -> Cow<'_, str> {
    static BUILT_IN: Rules = Rules {
        fragments: Vec::new(),
        allowed: Vec::new(),
        own: Vec::new(),
    };
    BUILT_IN.text(text)
}

/// The redactor of an application: the built-in rules and the application's own rules. Clones share the rules.
#[derive(Clone, Debug, Default)]
pub(crate) struct Redaction {
    rules: Arc<Rules>,
}

impl Redaction {
    pub(crate) fn builder() -> RedactionBuilder {
        RedactionBuilder::default()
    }

    /// Redacts a value of any shape, such as the output of a check or the value of a section.
    pub(crate) fn value(&self, value: Value) -> Value {
        self.rules.value(value, 0)
    }

    /// Redacts a value by its name as well as by its content.
    pub(crate) fn named(&self, name: &str, value: Value) -> Value {
        self.rules.named(name, value, 0)
    }

    /// Redacts a text, such as an error with its sources, a panic message or a field of a log event.
    pub(crate) fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.rules.text(text)
    }

    /// Redacts the arguments of a process. The first argument is the name of the program.
    #[cfg(test)]
    pub(crate) fn arguments(&self, argv: &[String]) -> Vec<Value> {
        self.rules
            .arguments(argv.to_vec())
            .into_iter()
            .map(Value::String)
            .collect()
    }

    /// Masks every string, number, boolean and null in a value, and keeps the names and the nesting.
    #[expect(clippy::unused_self, reason = "which names are shown may become a rule")]
    pub(crate) fn names_only(&self, value: Value) -> Value {
        walk::names_only(value, 0)
    }
}

/// Builds a [`Redaction`] from the rules of an application.
#[derive(Clone, Debug, Default)]
pub(crate) struct RedactionBuilder {
    rules: Rules,
}

impl RedactionBuilder {
    /// Adds fragments of names, in addition to the built-in `key`, `token` and `pass`. If a name contains a fragment,
    /// ignoring case, the redactor hides the value of this name.
    pub(crate) fn hide_fragments(mut self, fragments: impl IntoIterator<Item = String>) -> Self {
        let fragments = fragments.into_iter().map(|fragment| fragment.to_lowercase());
        let fragments = fragments.filter(|fragment| !fragment.is_empty());
        self.rules.fragments.extend(fragments);
        self
    }

    /// Allows names, in exactly this spelling: the redactor doesn't hide a value because of an allowed name.
    ///
    /// The redactor still hides a value that is secret by its form. For example, it masks the password in the URL of an
    /// allowed `DATABASE_URL`, or a JSON Web Token in an allowed `NEXT_PUBLIC_KEY`.
    pub(crate) fn allow_names(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.rules.allowed.extend(names);
        self
    }

    /// Adds a rule of the application. The redactor doesn't call the rule's `is_secret_name` for an allowed name.
    pub(crate) fn rule(mut self, rule: Arc<dyn Redactor>) -> Self {
        self.rules.own.push(rule);
        self
    }

    pub(crate) fn build(self) -> Redaction {
        Redaction {
            rules: Arc::new(self.rules),
        }
    }
}

/// The built-in rules, with the application's additions and exceptions.
#[derive(Clone, Default)]
struct Rules {
    /// The application's fragments of secret names, in lower case.
    fragments: Vec<String>,
    allowed: Vec<String>,
    own: Vec<Arc<dyn Redactor>>,
}

impl fmt::Debug for Rules {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (fragments, allowed, own) = (&self.fragments, &self.allowed, self.own.len());
        write!(
            formatter,
            "Rules {{ fragments: {fragments:?}, allowed: {allowed:?}, own: {own} }}"
        )
    }
}

/// The minimum length of a text to scan, in bytes. The redactor doesn't scan a shorter text, such as "ok", the output
/// of most checks.
///
/// A shorter text can't contain a name, a separator and a value.
const SHORTEST: usize = 3;
/// If a pass over a text has changed it, the redactor makes another pass, at most this many times.
const MOST_ROUNDS: usize = 3;
/// If a text has more bytes than this after the first pass, the redactor makes no further pass.
const LONGEST_AGAIN: usize = 16 * 1024;

impl Rules {
    fn verdict(&self, name: &str) -> Verdict {
        if self.allowed.iter().any(|allowed| allowed == name) {
            return Verdict::Shown;
        }
        if self.adds_names() && self.hides_by_own_rule(name) {
            return Verdict::Fragment { telling: true };
        }
        names::verdict(name)
    }

    /// Returns whether the application has its own fragments or rules. They may make a name secret that the built-in
    /// rules allow.
    fn adds_names(&self) -> bool {
        !(self.fragments.is_empty() && self.own.is_empty())
    }

    fn hides_by_own_rule(&self, name: &str) -> bool {
        let lower = name.to_lowercase();
        let is_secret = |own: &dyn Redactor| own.is_secret_name(name);
        let asked =
            |own: &Arc<dyn Redactor>| catch_unwind(AssertUnwindSafe(|| is_secret(&**own))).unwrap_or(true);
        self.fragments
            .iter()
            .any(|fragment| bytes::find(lower.as_bytes(), fragment.as_bytes()).is_some())
            || self.own.iter().any(asked)
    }

    /// Redacts the text by the built-in rules, then by the application's own rules.
    fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if text.len() < SHORTEST || is_plain_word(text) {
            return self.finish(Cow::Borrowed(text));
        }
        let mut shown = self.once(text);
        // A mask changes the text, so another pass may find a secret in the text around the mask. Repeat until a pass
        // changes nothing, but at most `MOST_ROUNDS` times.
        for _ in 0..MOST_ROUNDS {
            let Cow::Owned(before) = &shown else { break };
            if before.len() > LONGEST_AGAIN {
                break;
            }
            match self.once(before) {
                Cow::Borrowed(_) => break,
                Cow::Owned(again) => shown = Cow::Owned(again),
            }
        }
        self.finish(shown)
    }

    fn once<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let shown = Scan::new(text, self, 0).read().masked(text);
        // A JSON document has to stay valid JSON. If it is no longer valid, because a mask has replaced the end of a
        // string, redact the document value by value instead.
        if let Cow::Owned(masked) = &shown
            && bytes::starts(text.trim_start(), b"{[\"")
            && serde_json::from_str::<Value>(masked).is_err()
            && let Ok(document) = serde_json::from_str::<Value>(text)
        {
            let redacted = self.value(document, 0).to_string();
            let masked = bytes::find(redacted.as_bytes(), MASK.as_bytes()).is_some();
            return if masked {
                Cow::Owned(redacted)
            } else {
                Cow::Borrowed(text)
            };
        }
        shown
    }

    fn owned(&self, text: String) -> String {
        match self.text(&text) {
            Cow::Borrowed(shown) if std::ptr::eq(shown, &*text) => text,
            shown => shown.into_owned(),
        }
    }

    /// Applies the application's own rules to a text that the built-in rules have redacted. If a rule panics, the mask
    /// replaces the whole text.
    fn finish<'t>(&self, text: Cow<'t, str>) -> Cow<'t, str> {
        fn redacted<'t>(own: &dyn Redactor, text: &'t str) -> Cow<'t, str> {
            catch_unwind(AssertUnwindSafe(|| own.redact_text(text))).unwrap_or(Cow::Borrowed(MASK))
        }
        self.own.iter().fold(text, |text, own| match text {
            Cow::Borrowed(text) => redacted(&**own, text),
            Cow::Owned(text) => match redacted(&**own, &text) {
                Cow::Borrowed(same) if std::ptr::eq(same, &*text) => Cow::Owned(text),
                other => Cow::Owned(other.into_owned()),
            },
        })
    }
}

/// Returns whether a text is one word, such as a number or a host, that is shorter than every token.
///
/// Such a word isn't secret by its form: it is too short for a token, and every other form contains a special
/// character.
fn is_plain_word(text: &str) -> bool {
    text.len() < scan::SHORTEST_TOKEN && bytes::all(text, bytes::WORD, b".")
}
