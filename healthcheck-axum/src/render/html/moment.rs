use std::fmt;

use super::markup::{Markup, html};
use crate::render::wording::rfc3339;

/// Writes a time as a `<time>` element. `seconds` is the time in seconds since the epoch.
///
/// In the browser, the page's script replaces the text of the element. `as_` selects the new wording. For example,
/// `ago` selects a wording such as "5 s ago".
pub(super) fn moment(seconds: Option<f64>, as_: &'static str, out: &mut Markup<'_>) -> fmt::Result {
    let Some((seconds, time)) = seconds.and_then(|seconds| Some((seconds, rfc3339(seconds)?))) else {
        return out.literal("–");
    };
    let shown = time.replacen('T', " ", 1).replace('Z', " UTC");
    html!(out,
        "<time datetime=\"" {time} "\" data-at=\"" {seconds} "\" data-as=\"" {as_} "\">" {shown} "</time>"
    )
}
