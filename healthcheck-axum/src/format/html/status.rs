//! The status page: the verdict, a row a check, filters.

use std::fmt;

use healthcheck::{CheckInfo, CheckResult, Overall, Report, Status};

use super::history;
use super::markup::{Markup, html};
use super::shell::{self, Head, Link};
use super::strip;
use crate::format::Page;
use crate::format::wording::{self, output, rfc3339, spoken};
use crate::probe::Kind;

pub(super) fn write(page: &Page<'_>, out: &mut Markup<'_>) -> fmt::Result {
    let report = page.report();
    let look = Look::of(report.status.as_status());
    let subject = page.check().unwrap_or_else(|| page.name());
    let title = format!("{} {} · {subject} · {}", look.mark, headline(report), report.hostname);
    let head = Head {
        page: "status",
        title: &title,
        icon: look.icon,
        links: &links(page),
    };
    head.write(out)?;
    verdict(page, look, out)?;
    notes(page, out)?;
    filters(page, out)?;
    checks(page, out)?;
    sections(page, out)?;
    shell::foot(&other_forms(page), out)
}

/// How a status looks: a word for classes, a mark, a picture.
#[derive(Clone, Copy)]
pub(super) struct Look {
    pub(super) class: &'static str,
    pub(super) mark: &'static str,
    word: &'static str,
    icon: &'static str,
}

impl Look {
    pub(super) const fn of(status: Status) -> Self {
        match status {
            Status::Pass => Self {
                class: "pass",
                mark: "✓",
                word: "Healthy",
                icon: "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Ccircle cx='8' cy='8' r='8' fill='%231a7f37'/%3E%3Cpath d='m4 8.5 3 3 5-6' fill='none' stroke='%23fff' stroke-width='2'/%3E%3C/svg%3E",
            },
            Status::Warn => Self {
                class: "warn",
                mark: "!",
                word: "Degraded",
                icon: "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath d='M8 0l8 15H0z' fill='%23bf8700'/%3E%3Cpath d='M8 5v5m0 1.5v2' stroke='%23fff' stroke-width='2'/%3E%3C/svg%3E",
            },
            Status::Fail => Self {
                class: "fail",
                mark: "✕",
                word: "Failing",
                icon: "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' rx='3' fill='%23cf222e'/%3E%3Cpath d='m4.5 4.5 7 7m0-7-7 7' stroke='%23fff' stroke-width='2'/%3E%3C/svg%3E",
            },
        }
    }
}

fn links(page: &Page<'_>) -> Vec<Link> {
    let paths = page.place.paths;
    let mut links: Vec<Link> = [
        (Kind::Health, "All checks"),
        (Kind::Liveness, "Liveness"),
        (Kind::Readiness, "Readiness"),
        (Kind::Startup, "Startup"),
    ]
    .into_iter()
    .map(|(kind, name)| Link {
        to: page.link(paths.of(kind)),
        name,
        is_here: kind == page.place.kind && page.check().is_none(),
    })
    .collect();
    if page.place.with_environment {
        links.push(Link {
            to: page.link(&paths.environment),
            name: "Environment",
            is_here: false,
        });
    }
    links
}

/// The same for programs.
fn other_forms(page: &Page<'_>) -> Vec<Link> {
    let mut forms = vec![("JSON", "?format=json"), ("Text", "?verbose"), ("health+json", "?format=health%2Bjson")];
    if !page.is_probe() {
        forms.push(("OpenMetrics", "?format=openmetrics"));
    }
    let forms = forms.into_iter().map(|(name, query)| Link {
        to: query.to_owned(),
        name,
        is_here: false,
    });
    let history = (!page.is_probe() && page.check().is_none()).then(|| Link {
        to: format!("{}/history", page.name()),
        name: "History",
        is_here: false,
    });
    forms.chain(history).collect()
}

struct Counts {
    pass: usize,
    warn: usize,
    fail: usize,
}

impl Counts {
    fn of(report: &Report) -> Self {
        let count = |status| {
            let results = report.results.iter();
            results.filter(|result| result.status == status).count()
        };
        Self {
            pass: count(Status::Pass),
            warn: count(Status::Warn),
            fail: count(Status::Fail),
        }
    }
}

/// The whole in one sentence.
fn headline(report: &Report) -> String {
    let Counts { warn, fail, .. } = Counts::of(report);
    let all = report.results.len();
    if let Some(reason) = &report.reason {
        return format!("Not ready: {reason}");
    }
    let failing = match (fail, all) {
        (1, 1) => "The check fails".to_owned(),
        (1, _) => format!("1 of {all} checks fails"),
        _ => format!("{fail} of {all} checks fail"),
    };
    match (all, warn, fail, report.status) {
        (0, ..) => "No checks".to_owned(),
        (1, 0, 0, _) => "The check passes".to_owned(),
        (_, 0, 0, Overall::Success) => format!("All {all} checks pass"),
        (_, 0, 0, _) => report.status.to_string(),
        (1, 1, 0, _) => "The check warns".to_owned(),
        (_, 1, 0, _) => format!("1 of {all} checks warns"),
        (_, _, 0, _) => format!("{warn} of {all} checks warn"),
        (_, 0, ..) => failing,
        _ => format!("{failing}, {warn} {}", if warn == 1 { "warns" } else { "warn" }),
    }
}

fn verdict(page: &Page<'_>, look: Look, out: &mut Markup<'_>) -> fmt::Result {
    let report = page.report();
    html!(out,
        "<section class=\"verdict " {look.class} "\" id=\"verdict\" data-status=\"" {report.status} "\" "
        "aria-labelledby=\"headline\">\n<span class=\"mark\" aria-hidden=\"true\">" {look.mark} "</span>\n"
        "<div><p class=\"word\">" {look.word} "</p>\n<h1 id=\"headline\">" {headline(report)} "</h1>\n<p class=\"where\">"
    )?;
    match page.check() {
        Some(check) => html!(out, "<bdi>" {check} "</bdi> in <a href=\"" {page.link(page.path())} "\">" {page.name()} "</a>")?,
        None => out.text(page.name())?,
    }
    html!(out, " on <bdi>" {report.hostname} "</bdi>, as of ")?;
    moment(Some(report.timestamp), "at", out)?;
    html!(out, "</p></div>\n</section>\n")
}

/// Why the whole is as it is, where no check says so, and what somebody should know.
fn notes(page: &Page<'_>, out: &mut Markup<'_>) -> fmt::Result {
    html!(out, "<div id=\"notes\">")?;
    if !page.report().warnings.is_empty() {
        html!(out, "<ul class=\"warnings\" aria-label=\"Warnings\">")?;
        for warning in &page.report().warnings {
            html!(out, "<li>" {warning} "</li>")?;
        }
        html!(out, "</ul>")?;
    }
    if !page.shows_details() {
        html!(out, "<p class=\"withheld\">What the checks say isn't shown to this caller.</p>")?;
    }
    html!(out, "</div>\n")
}

fn filters(page: &Page<'_>, out: &mut Markup<'_>) -> fmt::Result {
    let report = page.report();
    let counts = Counts::of(report);
    html!(out,
        "<div class=\"filters\" id=\"filters\">\n<fieldset><legend class=\"unseen\">Show checks that</legend>"
    )?;
    for (status, name, count) in [
        ("all", "All", report.results.len()),
        ("fail", "Failing", counts.fail),
        ("warn", "Warning", counts.warn),
        ("pass", "Passing", counts.pass),
    ] {
        let checked = if status == "all" { " checked" } else { "" };
        html!(out,
            "<label class=\"" {status} "\"><input type=\"radio\" name=\"show\" id=\"show-" {status} "\" value=\""
            {status} "\"" {checked} "> " {name} " <span class=\"count\">" {count} "</span></label>"
        )?;
    }
    html!(out, "</fieldset>\n")?;
    tags(page, out)?;
    html!(out, "</div>\n")
}

/// A link a tag, which adds it to what is chosen or takes it away.
fn tags(page: &Page<'_>, out: &mut Markup<'_>) -> fmt::Result {
    let mut tags: Vec<&str> = page
        .checks()
        .iter()
        .filter(|info| page.place.kind.has(info.options()))
        .flat_map(|info| info.options().tags.iter().map(|tag| &**tag))
        .collect();
    tags.sort_unstable();
    tags.dedup();
    if tags.is_empty() || page.check().is_some() {
        return Ok(());
    }
    let chosen = &page.place.query.tags;
    html!(out, "<nav class=\"tags\" aria-label=\"Tags\"><ul>")?;
    for tag in tags {
        let is_chosen = chosen.iter().any(|other| other == tag);
        let others = chosen.iter().map(String::as_str).filter(|other| *other != tag);
        let wanted: Vec<&str> = others.chain((!is_chosen).then_some(tag)).collect();
        html!(out, "<li><a class=\"tag\" href=\"" {to_tags(page, &wanted)} "\"")?;
        if is_chosen {
            html!(out, " aria-current=\"true\"")?;
        }
        html!(out, ">" {tag} "</a></li>")?;
    }
    html!(out, "</ul></nav>\n")
}

/// This page with these tags chosen.
fn to_tags(page: &Page<'_>, tags: &[&str]) -> String {
    if tags.is_empty() {
        return page.link(page.path());
    }
    let mut query = form_urlencoded::Serializer::new("?".to_owned());
    query.extend_pairs(tags.iter().map(|tag| ("tag", tag)));
    query.finish().replacen("?&", "?", 1)
}

fn checks(page: &Page<'_>, out: &mut Markup<'_>) -> fmt::Result {
    html!(out, "<h2 class=\"unseen\">Checks</h2>\n<ol class=\"checks\" id=\"checks\">\n")?;
    for result in &page.report().results {
        check(page, result, out)?;
    }
    html!(out, "</ol>\n<p class=\"none\" id=\"none\">No check to show here.</p>\n")
}

fn check(page: &Page<'_>, result: &CheckResult, out: &mut Markup<'_>) -> fmt::Result {
    let look = Look::of(result.status);
    let name = &result.checker;
    let info = page.info(name);
    let segment = percent_encoding::utf8_percent_encode(name, SEGMENT);
    // Seen from one check, that check's own page is beside the others.
    let up = if page.check().is_some() { String::new() } else { format!("{}/", page.name()) };
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
    html!(out, "</div>\n<div class=\"when\"><dl>")?;
    times(result, out)?;
    html!(out, "</dl>\n")?;
    strip::write(page, result, out)?;
    html!(out, "</div>\n</li>\n")
}

/// What is known of a check without running it.
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

/// More than this of an output is folded away.
const LONG: usize = 400;
/// JSON that isn't longer stands on one line.
const BRIEF: usize = 100;

fn said(result: &CheckResult, out: &mut Markup<'_>) -> fmt::Result {
    let text = match &result.output {
        serde_json::Value::Object(_) | serde_json::Value::Array(_) => {
            let brief = output(&result.output);
            if brief.len() <= BRIEF {
                brief
            } else {
                serde_json::to_string_pretty(&result.output).unwrap_or_default().into()
            }
        }
        value => output(value),
    };
    let (start, is_cut) = wording::beginning(&text, LONG);
    if is_cut {
        html!(out,
            "<details class=\"long\"><summary><span class=\"output\">" {start} "…</span></summary><div class=\"output\" "
            "tabindex=\"0\" role=\"group\" aria-label=\"Whole output\">" {text} "</div></details>"
        )
    } else if text.is_empty() {
        html!(out, "<p class=\"output nothing\">no output</p>")
    } else {
        html!(out, "<p class=\"output\">" {text} "</p>")
    }
}

/// What a reader should know beside the output: since when, held back, blocked, stale, set by hand.
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
    if let Some(pending) = &result.pending {
        html!(out, "<li>the last " {pending.count} " of " {pending.of} " runs it takes say " {pending.status} "</li>")?;
    }
    if let Some(blocker) = &result.blocked_by {
        html!(out, "<li>blocked by <bdi>" {blocker} "</bdi></li>")?;
    }
    if result.stale {
        html!(out, "<li>stale: the next run hasn't ended yet</li>")?;
    }
    if let Some(overridden) = &result.overridden {
        html!(out, "<li>set by hand until ")?;
        moment(Some(overridden.until), "end", out)?;
        html!(out, ": <bdi>" {overridden.reason} "</bdi></li>")?;
    }
    if let Some(changes) = history::of(page, &result.checker).last().filter(|_| result.passed) {
        html!(out, "<li>" {result.status} "ing since ")?;
        moment(Some(changes.at), "since", out)?;
        html!(out, "</li>")?;
    }
    html!(out, "</ul>")
}

fn times(result: &CheckResult, out: &mut Markup<'_>) -> fmt::Result {
    let took = result.response_time.map_or_else(|| "–".to_owned(), spoken);
    html!(out, "<div><dt>took</dt><dd>" {took} "</dd></div><div><dt>ran</dt><dd>")?;
    moment(result.timestamp, "ago", out)?;
    html!(out, "</dd></div><div><dt>fresh</dt><dd>")?;
    moment(result.expires, "until", out)?;
    html!(out, "</dd></div>")
}

/// A moment, which the script turns into how long ago that is or how long until then.
pub(super) fn moment(seconds: Option<f64>, as_: &'static str, out: &mut Markup<'_>) -> fmt::Result {
    let Some((seconds, time)) = seconds.and_then(|seconds| Some((seconds, rfc3339(seconds)?))) else {
        return out.literal("–");
    };
    let shown = time.replacen('T', " ", 1).replace('Z', " UTC");
    html!(out,
        "<time datetime=\"" {time} "\" data-at=\"" {seconds} "\" data-as=\"" {as_} "\">" {shown} "</time>"
    )
}

/// The sections that the health body tells beside the results.
fn sections(page: &Page<'_>, out: &mut Markup<'_>) -> fmt::Result {
    let sections = &page.report().sections;
    html!(out, "<div id=\"sections\">")?;
    if !sections.is_empty() {
        super::environment::sections(sections, out)?;
    }
    html!(out, "</div>\n")
}

/// What can't stand in a segment of a path as it is.
const SEGMENT: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');
