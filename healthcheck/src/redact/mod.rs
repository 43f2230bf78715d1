//! No value leaves the process without passing through here.
//!
//! What is secret is told in two ways. By **name**: a variable, key, argument or header whose name contains `key`,
//! `token` or `pass` (the rule that the seed has), or one of whose words belongs to a family such as secret,
//! credential, session or signature, hides what stands beside it and below it. By **value**, wherever it stands:
//! passwords in addresses and connection strings, `Authorization` values, JSON Web Tokens, private keys, tokens with
//! the prefixes of their makers, and all of these inside of JSON, base64 and percent-encoding. Only the secret part is
//! replaced: `postgres://app:********@db/prod` still tells the host.
//!
//! The rules are tables (`name_tables`, `token_tables`, `programs`, `webhooks`); what reads them are scanners, one a
//! file, that go over the bytes of a text once. None backtracks, so a text costs time in proportion to its length,
//! whoever wrote it.

#[cfg(test)]
mod api_tests;
mod arguments;
mod assignments;
mod base64;
mod blocks;
mod bytes;
mod commands;
mod connection_strings;
#[cfg(test)]
mod corpus_tests;
mod discard;
mod documents;
mod embedded;
mod entropy;
mod extents;
mod families;
mod flags;
mod judgement;
mod label;
mod manifests;
mod markup;
mod name_tables;
mod names;
mod objects;
mod outline;
mod pairs;
mod password_files;
mod pem;
mod positional;
mod programs;
#[cfg(test)]
mod properties_tests;
mod prose;
mod quoted;
mod rules;
mod scan;
mod schemes;
mod settings;
mod shapes;
mod sieve;
mod signs;
mod spans;
mod structs;
mod telling;
mod token_tables;
mod tokens;
mod unspaced;
mod url;
mod user_info;
mod walk;
mod webhooks;
mod words;

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value;

use self::rules::Rules;
use self::walk::Walk;

/// What stands in the place of a secret.
pub(crate) const MASK: &str = "********";

/// Rules of your own for what is secret, asked beside the built-in ones.
///
/// Both methods have a default that finds nothing, so that a rule implements what it needs. They are called while a
/// result is published, not while a request is answered, and must not block.
///
/// # Examples
///
/// ```
/// use std::borrow::Cow;
/// # use healthcheck::Redactor;
///
/// /// Customer numbers are nobody's business.
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
    /// Whether everything below this name is secret. The name is that of a variable, key, argument or header, as it
    /// is written there. Default: no.
    fn is_secret_name(&self, name: &str) -> bool {
        let _ = name;
        false
    }

    /// The text with its secrets replaced, `Cow::Borrowed(text)` where it has none. It has been through the built-in
    /// rules already. Where it panics the text is hidden. Default: the text.
    fn redact_text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        Cow::Borrowed(text)
    }
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
        self.walk().value(value, 0)
    }

    /// The same, where the value stands under a name of its own.
    pub(crate) fn named(&self, name: &str, value: Value) -> Value {
        self.walk().named(name, value, 0)
    }

    /// A text: an error with its sources, what a panic said, a field of a log event.
    pub(crate) fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.walk().shown(text)
    }

    /// The arguments of a process, its own name first, whatever they look like.
    #[cfg(test)]
    pub(crate) fn arguments(&self, argv: &[String]) -> Vec<Value> {
        self.walk().arguments(argv)
    }

    /// Names and shape without any value.
    #[expect(clippy::unused_self, reason = "which names are shown may become a rule")]
    pub(crate) fn names_only(&self, value: Value) -> Value {
        outline::of(value, 0)
    }

    fn walk(&self) -> Walk<'_> {
        Walk {
            rules: &self.rules,
            unpacked: 0,
        }
    }
}

/// Puts the rules together.
#[derive(Clone, Debug, Default)]
pub(crate) struct RedactionBuilder {
    rules: Rules,
}

impl RedactionBuilder {
    /// Names that contain one of these, in any case, hide their values as those with `key`, `token` or `pass` do.
    pub(crate) fn hide_fragments(mut self, fragments: impl IntoIterator<Item = String>) -> Self {
        let fragments = fragments.into_iter().map(|fragment| fragment.to_lowercase());
        self.rules
            .fragments
            .extend(fragments.filter(|fragment| !fragment.is_empty()));
        self
    }

    /// Names, exactly as they are written, whose values no rule about names hides. The rules about values still hold:
    /// an allowed `DATABASE_URL` loses its password, an allowed `NEXT_PUBLIC_KEY` that is a JSON Web Token is masked.
    pub(crate) fn allow_names(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.rules.allowed.extend(names);
        self
    }

    /// One of the application's own rules. Allowed names are not asked about.
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

/// A text without its secrets, by the built-in rules, for the logs of your own application.
///
/// Takes time in proportion to the length of the text, and never panics. What is no secret is not touched; where there
/// is none the text comes back borrowed.
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
    static DEFAULT: Rules = Rules {
        fragments: Vec::new(),
        allowed: Vec::new(),
        own: Vec::new(),
    };
    Walk {
        rules: &DEFAULT,
        unpacked: 0,
    }
    .shown(text)
}
