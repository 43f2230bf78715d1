//! Renders one check as a row of the status page.

use std::fmt;

use healthcheck::{CheckInfo, CheckResult, Status};

use super::look::Look;
use super::markup::{Markup, html};
use super::moment::moment;
use super::strip;
use crate::render::Page;
use crate::render::wording::{self, output, spoken};

pub(super) fn write(page: &Page<'_>, result: &CheckResult, out: &mut Markup<'_>) -> fmt::Result {
    let look = Look::of(result.status);
    let name = &result.checker;
    let info = page.info(name);
    let segment = percent_encoding::utf8_percent_encode(name, SEGMENT);
    // `up` is the part of the link that precedes the check's name. On the page of a single check `up` is empty, because
    // the pages of all checks have the same parent path.
    let up = if page.check().is_some() {
        String::new()
    } else {
        page.link_below("")
    };
    html!(out,
        "<li class=\"check " {look.class} "\" data-key=\"" {name} "\">\n<p class=\"status\"><span class=\"mark\" "
        "aria-hidden=\"true\">" {look.mark} "</span> " {result.status} "</p>\n<div class=\"what\"><h3><a href=\"" {up}
        {segment} "\"><bdi>" {name} "</bdi></a></h3>"
    )?;
    if let Some(info) = info {
        about(info, out)?;
    }
    html!(out, "</div>\n<div class=\"said\">")?;
    said(result, out)?;
    circumstances(page, result, out)?;
    advice(result, out)?;
    html!(out, "</div>\n<div class=\"when\">")?;
    times(result, out)?;
    strip::write(page, result, out)?;
    html!(out, "</div>\n</li>\n")
}

/// Writes a check's description, probes and tags.
fn about(info: &CheckInfo, out: &mut Markup<'_>) -> fmt::Result {
    if let Some(description) = info.description() {
        html!(out, "<p class=\"description\"><bdi>" {description} "</bdi></p>")?;
    }
    let options = info.options();
    html!(out, "<ul class=\"labels\" aria-label=\"Probes and tags\">")?;
    for (belongs, probe) in [
        (options.liveness, "liveness"),
        (options.readiness, "readiness"),
        (options.startup, "startup"),
        (!options.critical, "not critical"),
        (options.external, "external"),
    ] {
        if belongs {
            html!(out, "<li>" {probe} "</li>")?;
        }
    }
    for tag in &options.tags {
        html!(out, "<li class=\"tag\">" {tag} "</li>")?;
    }
    html!(out, "</ul>")
}

/// The longest output, in bytes, that the page shows in full. A longer output is collapsed to its beginning.
const LONG: usize = 400;
/// The longest JSON output, in bytes, that the page shows on one line.
const BRIEF: usize = 100;

fn said(result: &CheckResult, out: &mut Markup<'_>) -> fmt::Result {
    let text = match &result.output {
        serde_json::Value::Object(_) | serde_json::Value::Array(_) => {
            let brief = output(&result.output);
            if brief.len() <= BRIEF {
                brief
            } else {
                serde_json::to_string_pretty(&result.output)
                    .unwrap_or_default()
                    .into()
            }
        }
        value => output(value),
    };
    let (start, is_cut) = wording::beginning(&text, LONG);
    if is_cut {
        html!(out,
            "<details class=\"long\"><summary><span class=\"output\">" {start} "…</span><span class=\"less\">Show less</span></summary><div class=\"output\" "
            "tabindex=\"0\" role=\"group\" aria-label=\"Whole output\">" {text} "</div></details>"
        )
    } else if text.is_empty() {
        html!(out, "<p class=\"output nothing\">no output</p>")
    } else {
        html!(out, "<p class=\"output\">" {text} "</p>")
    }
}

/// Writes further facts about a check, for example since when the check has been failing, and which other check blocks
/// it.
fn circumstances(page: &Page<'_>, result: &CheckResult, out: &mut Markup<'_>) -> fmt::Result {
    html!(out, "<ul class=\"circumstances\">")?;
    if let Some(since) = result.failing_since {
        html!(out, "<li>failing since ")?;
        moment(Some(since), "since", out)?;
        if result.consecutive_failures > 1 {
            html!(out, ", " {result.consecutive_failures} " runs in a row")?;
        }
        html!(out, "</li>")?;
    }
    if let Some(until) = result.pending.as_ref().and_then(|pending| pending.until) {
        html!(out, "<li>becomes a failure at ")?;
        moment(Some(until), "end", out)?;
        html!(out, "</li>")?;
    }
    if let Some(pending) = result.pending.as_ref().filter(|pending| pending.until.is_none()) {
        html!(out, "<li>latest: " {pending.status} ", " {pending.count} " of " {pending.of} " in a row before it counts</li>")?;
    }
    if let Some(blocker) = &result.blocked_by {
        html!(out, "<li>blocked by <bdi>" {blocker} "</bdi></li>")?;
    }
    if result.status == Status::Fail && page.info(&result.checker).is_some_and(keeps_in_rotation) {
        html!(out, "<li>shared: keeps the instance in rotation</li>")?;
    }
    if result.stale {
        html!(out, "<li>stale: the next run hasn't ended yet</li>")?;
    }
    if let Some(overridden) = &result.overridden {
        html!(out, "<li>set by hand until ")?;
        moment(Some(overridden.until), "end", out)?;
        html!(out, ": <bdi>" {overridden.reason} "</bdi></li>")?;
    }
    if let Some(changes) = page
        .transitions_of(&result.checker)
        .last()
        .filter(|_| result.passed && result.failing_since.is_none())
    {
        html!(out, "<li>" {result.status} "ing since ")?;
        moment(Some(changes.at), "since", out)?;
        html!(out, "</li>")?;
    }
    html!(out, "</ul>")
}

/// Returns whether a failure of this check only degrades readiness, because all instances share the dependency that the
/// check tests.
const fn keeps_in_rotation(info: &CheckInfo) -> bool {
    let options = info.options();
    options.readiness && options.external && options.critical && !options.critical_is_said()
}

/// Writes the advice for a check that doesn't pass: `when_it_fails`, the owner and the runbook.
fn advice(result: &CheckResult, out: &mut Markup<'_>) -> fmt::Result {
    if let Some(text) = &result.when_it_fails {
        html!(out, "<p class=\"advice\"><bdi>" {text} "</bdi></p>")?;
    }
    if result.owner.is_none() && result.runbook.is_none() {
        return Ok(());
    }
    html!(out, "<ul class=\"circumstances\">")?;
    if let Some(owner) = &result.owner {
        html!(out, "<li>owner: <bdi>" {owner} "</bdi></li>")?;
    }
    match &result.runbook {
        // Only a URL with `http` or `https` becomes a link, because a `javascript:` URL would run a script.
        Some(url) if url.starts_with("https://") || url.starts_with("http://") => {
            html!(out, "<li>runbook: <a href=\"" {url} "\" rel=\"noreferrer\"><bdi>" {url} "</bdi></a></li>")?;
        }
        Some(text) => html!(out, "<li>runbook: <bdi>" {text} "</bdi></li>")?,
        None => {}
    }
    html!(out, "</ul>")
}

fn times(result: &CheckResult, out: &mut Markup<'_>) -> fmt::Result {
    html!(out, "<dl>")?;
    if let Some(took) = result.response_time {
        html!(out, "<div><dt>took</dt><dd>" {spoken(took)} "</dd></div>")?;
    }
    // The time until which the result is fresh. There is no such time if the result is stale or set by hand.
    let fresh_until = result
        .expires
        .filter(|_| !result.stale && result.overridden.is_none());
    for (name, at, as_) in [("ran", result.timestamp, "ago"), ("fresh", fresh_until, "until")] {
        if at.is_some() {
            html!(out, "<div><dt>" {name} "</dt><dd>")?;
            moment(at, as_, out)?;
            html!(out, "</dd></div>")?;
        }
    }
    html!(out, "</dl>\n")
}

/// The characters of a check's name that must be percent-encoded in the path of a URL.
const SEGMENT: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');
