//! What has become of one check, out of the history of all.

use healthcheck::Transition;

use crate::format::Page;

/// The transitions of a check, the oldest first.
pub(super) fn of<'a>(page: &'a Page<'_>, check: &str) -> impl DoubleEndedIterator<Item = &'a Transition> {
    let history = page.history().iter();
    history.filter(move |transition| transition.checker.as_deref() == Some(check))
}
