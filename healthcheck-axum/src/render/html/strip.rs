//! Renders the history of a check as a line of coloured cells, one for each status that the check had. A click on the
//! line expands it to a list.

use std::fmt;

use healthcheck::{CheckResult, Status, Transition};

use super::look::Look;
use super::markup::{Markup, html};
use super::moment::moment;
use crate::render::Page;
use crate::render::wording::{output, rfc3339, spoken};

pub(super) fn write(page: &Page<'_>, result: &CheckResult, out: &mut Markup<'_>) -> fmt::Result {
    if !page.shows_details() {
        return Ok(());
    }
    let transitions: Vec<&Transition> = page.transitions_of(&result.checker).collect();
    // A transition without `from` is the first result of the check, so it isn't a change.
    let changes = transitions.iter().filter(|transition| transition.from.is_some());
    let changes = match changes.count() {
        0 => {
            html!(
                out,
                "<p class=\"strip\"><span class=\"cells\" aria-hidden=\"true\">"
            )?;
            cell(result.status, "since the first run", out)?;
            return html!(out, "</span> <span class=\"changes\">no change</span></p>");
        }
        1 => "1 change".to_owned(),
        many => format!("{many} changes"),
    };
    html!(
        out,
        "<details class=\"strip\"><summary><span class=\"cells\" aria-hidden=\"true\">"
    )?;
    let first = transitions.first();
    if let Some((before, lasted)) = first.and_then(|first| first.from.zip(first.lasted)) {
        cell(before, &format!("for {}", spoken(lasted)), out)?;
    }
    for transition in &transitions {
        let since = rfc3339(transition.at).map_or_else(String::new, |at| format!("from {at}"));
        cell(transition.to, &since, out)?;
    }
    html!(out, "</span> <span class=\"changes\">" {changes} "</span></summary>\n<ol>")?;
    for transition in transitions.iter().rev() {
        line(transition, None, out)?;
    }
    html!(out, "</ol></details>\n")
}

/// Writes the coloured cell of a status. A worse status has a taller cell, for readers who can't distinguish the
/// colours.
fn cell(status: Status, when: &str, out: &mut Markup<'_>) -> fmt::Result {
    html!(out, "<span class=\"cell " {Look::of(status).class} "\" title=\"" {status} " " {when} "\"></span>")
}

/// Writes a transition as a list item. If `name` is set, as on the history page, the item also contains this name and
/// the output of the check.
pub(super) fn line(transition: &Transition, name: Option<&str>, out: &mut Markup<'_>) -> fmt::Result {
    let look = Look::of(transition.to);
    html!(out, "<li class=\"" {look.class} "\"><span class=\"mark\" aria-hidden=\"true\">" {look.mark} "</span> ")?;
    if let Some(name) = name {
        html!(out, "<bdi>" {name} "</bdi>: ")?;
    }
    html!(out, {transition.to} " ")?;
    moment(Some(transition.at), "ago", out)?;
    if let (Some(from), Some(lasted)) = (transition.from, transition.lasted) {
        html!(out, ", after " {spoken(lasted)} " of " {from})?;
    }
    if name.is_some() && !transition.output.is_null() {
        html!(out, " <bdi class=\"text\">" {output(&transition.output)} "</bdi>")?;
    }
    html!(out, "</li>")
}
