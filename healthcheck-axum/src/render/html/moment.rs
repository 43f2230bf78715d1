use std::fmt;

use super::markup::{Markup, html};
use crate::render::wording::rfc3339;

/// Writes a moment as a `<time>` element. The page's script replaces the text by the time that has passed since or
/// remains until that moment.
pub(super) fn moment(seconds: Option<f64>, as_: &'static str, out: &mut Markup<'_>) -> fmt::Result {
    let Some((seconds, time)) = seconds.and_then(|seconds| Some((seconds, rfc3339(seconds)?))) else {
        return out.literal("–");
    };
    let shown = time.replacen('T', " ", 1).replace('Z', " UTC");
    html!(out,
        "<time datetime=\"" {time} "\" data-at=\"" {seconds} "\" data-as=\"" {as_} "\">" {shown} "</time>"
    )
}
