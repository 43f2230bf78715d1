//! The status page: the verdict, a row a check, filters.

use std::fmt;

use healthcheck::{Overall, Report, Status};

use super::look::Look;
use super::markup::{Markup, html};
use super::moment::moment;
use super::row;
use super::shell::{self, Head, Link};
use crate::kind::Kind;
use crate::paths::HISTORY;
use crate::render::Page;

pub(super) fn write(page: &Page<'_>, out: &mut Markup<'_>) -> fmt::Result {
    let report = page.report();
    let look = Look::of(report.status.as_status());
    let subject = page.check().unwrap_or_else(|| page.name());
    let mut title = format!("{} {} · {subject}", look.mark, headline(page));
    if !report.hostname.is_empty() {
        title.push_str(" · ");
        title.push_str(&report.hostname);
    }
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

fn links(page: &Page<'_>) -> Vec<Link> {
    let paths = page.context.paths;
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
        is_here: kind == page.context.kind && page.check().is_none(),
    })
    .collect();
    if page.context.with_environment {
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
    let mut forms = vec![
        ("JSON", "?format=json"),
        ("Text", "?verbose"),
        ("health+json", "?format=health%2Bjson"),
    ];
    if !page.is_probe() {
        forms.push(("OpenMetrics", "?format=openmetrics"));
    }
    let forms = forms.into_iter().map(|(name, query)| Link {
        to: query.to_owned(),
        name,
        is_here: false,
    });
    let history = (!page.is_probe() && page.check().is_none()).then(|| Link {
        to: page.link_below(HISTORY),
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
fn headline(page: &Page<'_>) -> String {
    let report = page.report();
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
        (0, ..) if page.shows_the_whole_alone() => format!("The whole: {}", report.status),
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
        "<div><p class=\"word\">" {look.word} "</p>\n<h1 id=\"headline\">" {headline(page)} "</h1>\n<p class=\"where\">"
    )?;
    match page.check() {
        Some(check) => {
            html!(out, "<bdi>" {check} "</bdi> in <a href=\"" {page.link(page.path())} "\">" {page.name()} "</a>")?;
        }
        None => out.text(page.name())?,
    }
    if !report.hostname.is_empty() {
        html!(out, " on <bdi>" {report.hostname} "</bdi>")?;
    }
    html!(out, ", as of ")?;
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
        html!(
            out,
            "<p class=\"withheld\">What the checks say isn't shown to this caller.</p>"
        )?;
    }
    html!(out, "</div>\n")
}

fn filters(page: &Page<'_>, out: &mut Markup<'_>) -> fmt::Result {
    let report = page.report();
    let counts = Counts::of(report);
    html!(
        out,
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
        .filter(|info| page.context.kind.has(info.options()))
        .flat_map(|info| info.options().tags.iter().map(|tag| &**tag))
        .collect();
    tags.sort_unstable();
    tags.dedup();
    if tags.is_empty() || page.check().is_some() {
        return Ok(());
    }
    let chosen = page.context.tags;
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
    html!(
        out,
        "<h2 class=\"unseen\">Checks</h2>\n<ol class=\"checks\" id=\"checks\">\n"
    )?;
    for result in &page.report().results {
        row::write(page, result, out)?;
    }
    html!(
        out,
        "</ol>\n<p class=\"none\" id=\"none\">No check to show here.</p>\n"
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
