//! Every value passes through here before it leaves the process.
//!
//! Two things give a secret away. Its **name**: a variable, key, argument or header whose name contains `key`, `token` or
//! `pass` (py-healthcheck's rule), or one of whose words belongs to a family such as secret, credential, session or
//! signature, hides what stands beside it and below it. Its **form**, wherever it stands: passwords in addresses and
//! connection strings, `Authorization` values, JSON Web Tokens, private keys, tokens with the prefixes of their makers,
//! and all of these inside of JSON, base64 and percent-encoding. Only the secret part is replaced:
//! `postgres://app:********@db/prod` still tells the host.
//!
//! # How it works
//!
//! Three tables hold the rules: `words` (what a word means in a name, as a value, in a sentence), `tokens` (prefixes of
//! tokens), and the programs with their flags in `arguments`. One tokenizer (`scan`) goes over the bytes of a text once
//! and asks them. It never goes back further than a fixed distance, so a text costs time in proportion to its length.
//!
//! **No new scanner without at least five cases from a corpus that its author didn't write.** A new prefix, word or program
//! is a new entry in a table. Scanners for PuTTY's keys, password files, structs, unspaced sentences, opaque carriers,
//! entities and provider names were here once: together they found nothing in 3,624 cases that the rest didn't find.
//!
//! This module takes nothing from the rest of the crate.

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

/// What stands in the place of a secret.
pub(crate) const MASK: &str = "********";

/// Rules of your own for what is secret, asked beside the built-in ones.
///
/// Both methods have a default that finds nothing, so a rule implements what it needs. They are called while a result is
/// published, not while a request is answered, and must not block.
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
    /// Returns whether everything below this name is secret. The name is that of a variable, key, argument or header, as
    /// it is written there. Default: no.
    fn is_secret_name(&self, name: &str) -> bool {
        let _ = name;
        false
    }

    /// Returns the text with its secrets replaced, or `Cow::Borrowed(text)` if it has none. The text has passed the
    /// built-in rules already. If this panics, the text is hidden. Default: the text.
    fn redact_text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        Cow::Borrowed(text)
    }
}

/// A text without its secrets, by the built-in rules, for the logs of your own application.
///
/// Takes time in proportion to the length of the text, and never panics. A text without a secret comes back borrowed and
/// unchanged.
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

/// The rules in force. A clone is a reference to the same rules.
#[derive(Clone, Debug, Default)]
pub(crate) struct Redaction {
    rules: Arc<Rules>,
}

impl Redaction {
    pub(crate) fn builder() -> RedactionBuilder {
        RedactionBuilder::default()
    }

    /// A value of any shape: the output of a check, the body of a section.
    pub(crate) fn value(&self, value: Value) -> Value {
        self.rules.value(value, 0)
    }

    /// The same, if the value has a name of its own.
    pub(crate) fn named(&self, name: &str, value: Value) -> Value {
        self.rules.named(name, value, 0)
    }

    /// A text: an error with its sources, the message of a panic, a field of a log event.
    pub(crate) fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.rules.text(text)
    }

    /// The arguments of a process, its own name first, whatever they look like.
    #[cfg(test)]
    pub(crate) fn arguments(&self, argv: &[String]) -> Vec<Value> {
        self.rules
            .arguments(argv.to_vec())
            .into_iter()
            .map(Value::String)
            .collect()
    }

    /// Names and shape without any value.
    #[expect(clippy::unused_self, reason = "which names are shown may become a rule")]
    pub(crate) fn names_only(&self, value: Value) -> Value {
        walk::names_only(value, 0)
    }
}

/// Collects the rules of an application.
#[derive(Clone, Debug, Default)]
pub(crate) struct RedactionBuilder {
    rules: Rules,
}

impl RedactionBuilder {
    /// Names that contain one of these, in any case, hide their values as those with `key`, `token` or `pass` do.
    pub(crate) fn hide_fragments(mut self, fragments: impl IntoIterator<Item = String>) -> Self {
        let fragments = fragments.into_iter().map(|fragment| fragment.to_lowercase());
        let fragments = fragments.filter(|fragment| !fragment.is_empty());
        self.rules.fragments.extend(fragments);
        self
    }

    /// Names, exactly as they are written, whose values no rule about names hides. The rules about values still hold:
    /// an allowed `DATABASE_URL` loses its password, an allowed `NEXT_PUBLIC_KEY` that is a JSON Web Token is masked.
    pub(crate) fn allow_names(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.rules.allowed.extend(names);
        self
    }

    /// One of the application's own rules. It isn't asked about allowed names.
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

/// The built-in rules with what the application added and took away.
#[derive(Clone, Default)]
struct Rules {
    /// In small letters.
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

/// A name and its value take three bytes, and a token many: "ok" is what most checks say.
const SHORTEST: usize = 3;
/// How often a text that was changed is read again, and how long it may be for that.
const MOST_ROUNDS: usize = 3;
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

    /// Whether the application may know names that the tables don't.
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

    /// The text by the built-in rules, then by the application's own.
    fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if text.len() < SHORTEST || is_plain_word(text) {
            return self.finish(Cow::Borrowed(text));
        }
        let mut shown = self.once(text);
        // A mask may leave something behind that reads differently from before. Such a text is read again, so that
        // redacting it once more changes nothing.
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
        // What was a JSON document stays one. If a mask went over the end of a string in it, the document is read value
        // by value instead.
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

    /// The application's own rules on a text that has passed the built-in ones. If one panics, nothing is shown.
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

/// One word, shorter than every token: a number, a host, a name. Whatever else is hidden has a sign of its own in it.
fn is_plain_word(text: &str) -> bool {
    text.len() < scan::SHORTEST_TOKEN && bytes::all(text, bytes::WORD, b".")
}
