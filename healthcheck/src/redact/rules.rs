//! The rules in force: the built-in ones with what the application added and took away.

use std::borrow::Cow;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::names::{self, Verdict};
use super::{MASK, Redactor};

#[derive(Clone, Default)]
pub(super) struct Rules {
    /// Lower-case; a name that contains one hides its value, as the seed's three do.
    pub(super) fragments: Vec<String>,
    /// Names that are shown whatever they contain.
    pub(super) allowed: Vec<String>,
    pub(super) own: Vec<Arc<dyn Redactor>>,
}

impl fmt::Debug for Rules {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Rules")
            .field("fragments", &self.fragments)
            .field("allowed", &self.allowed)
            .field("own", &self.own.len())
            .finish()
    }
}

impl Rules {
    pub(super) fn verdict(&self, name: &str) -> Verdict {
        if self.allowed.iter().any(|allowed| allowed == name) {
            return Verdict::Shown;
        }
        if self.hides_by_own_rule(name) {
            return Verdict::Fragment { telling: true };
        }
        names::verdict(name)
    }

    fn hides_by_own_rule(&self, name: &str) -> bool {
        if !self.fragments.is_empty() {
            let lower = name.to_lowercase();
            if self
                .fragments
                .iter()
                .any(|fragment| lower.contains(fragment.as_str()))
            {
                return true;
            }
        }
        self.own.iter().any(|own| is_secret(&**own, name))
    }

    /// The application's own rules on a text that has been through the built-in ones.
    pub(super) fn finish<'a>(&self, text: Cow<'a, str>) -> Cow<'a, str> {
        self.own.iter().fold(text, |text, own| match text {
            Cow::Borrowed(text) => redacted(&**own, text),
            Cow::Owned(text) => match redacted(&**own, &text) {
                Cow::Borrowed(same) if std::ptr::eq(same, &*text) => Cow::Owned(text),
                other => Cow::Owned(other.into_owned()),
            },
        })
    }
}

/// What an own rule makes of a text; where it panics, nothing is shown.
fn redacted<'a>(own: &dyn Redactor, text: &'a str) -> Cow<'a, str> {
    let rule = AssertUnwindSafe(|| own.redact_text(text));
    catch_unwind(rule).unwrap_or(Cow::Borrowed(MASK))
}

fn is_secret(own: &dyn Redactor, name: &str) -> bool {
    catch_unwind(AssertUnwindSafe(|| own.is_secret_name(name))).unwrap_or(true)
}
