//! Renders the status page as HTML: the verdict, the filters, and a row for each check.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::fmt;

use healthcheck::{CheckResult, Overall, Report, Status};

use super::look::Look;
use super::markup::{Markup, html};
use super::moment::moment;
use super::row;
use super::shell::{self, Head};
use crate::paths::{HISTORY, below};
use crate::render::Page;
use crate::service::Service;

pub(super) fn write(page: &Page<'_>, out: &mut Markup<'_>) -> fmt::Result {
    let report = page.report();
    let look = Look::of(report.status.as_status());
    let subject = page.check().unwrap_or_else(|| page.name());
    let mut title = format!("{} {} · {subject}", look.mark, headline(page));
    if !report.hostname.is_empty() {
        title.push_str(" · ");
        title.push_str(&report.hostname);
    }
    let here = page
        .check()
        .map_or_else(|| page.path().to_owned(), |check| below(page.path(), check));
    let head = Head {
        page: "status",
        title: &title,
        icon: look.icon,
        service: &service(page),
        links: &shell::links(page.context.paths, Some(&here), page.context.with_environment),
    };
    head.write(out)?;
    verdict(page, look, out)?;
    notes(page, out)?;
    filters(page, out)?;
    checks(page, out)?;
    sections(page, out)?;
    shell::foot(&other_forms(page), out)
}

/// Returns the service's name and version, as far as this caller may see them.
fn service(page: &Page<'_>) -> Service {
    if page.shows_the_whole_alone() {
        return Service::default();
    }
    let Service { name, version } = page.context.service.clone();
    let version = version.filter(|_| page.shows_details());
    Service { name, version }
}

/// Returns the links to the same report in formats for programs, and the link to the history.
fn other_forms(page: &Page<'_>) -> Vec<(&'static str, Cow<'static, str>)> {
    let mut forms = vec![
        shell::JSON,
        ("Text", "?verbose".into()),
        ("health+json", "?format=health%2Bjson".into()),
    ];
    if !page.is_probe() {
        forms.push(("OpenMetrics", "?format=openmetrics".into()));
        if page.check().is_none() {
            forms.push(("History", page.link_below(HISTORY).into()));
        }
    }
    forms
}

fn count(report: &Report, status: Status) -> usize {
    let results = report.results.iter();
    results.filter(|result| result.status == status).count()
}

/// Summarises the report in one sentence.
fn headline(page: &Page<'_>) -> String {
    let report = page.report();
    if let Some(reason) = &report.reason {
        return format!("Not ready: {reason}");
    }
    let all = report.results.len();
    let of_all = |some| match all {
        1 => "The check".to_owned(),
        all => format!("{some} of {all} checks"),
    };
    let is = |count| if count == 1 { "is" } else { "are" };
    let has = |count| if count == 1 { "has" } else { "have" };
    match (count(report, Status::Fail), count(report, Status::Warn)) {
        (0, 0) => match (all, report.status) {
            (0, Overall::Success) if !page.shows_the_whole_alone() => "There are no checks".to_owned(),
            (1, Overall::Success) => "The check is passing".to_owned(),
            (2.., Overall::Success) => format!("All {all} checks are passing"),
            _ => {
                let look = Look::of(report.status.as_status());
                format!("The service is {}", look.word.to_lowercase())
            }
        },
        (0, warn) => format!("{} {} a warning", of_all(warn), has(warn)),
        (fail, 0) => format!("{} {} failing", of_all(fail), is(fail)),
        (fail, warn) => format!(
            "{} {} failing, {warn} {} a warning",
            of_all(fail),
            is(fail),
            has(warn)
        ),
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

/// Writes the warnings of the report. If this caller may not see details, also writes a notice that the details are
/// hidden.
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
    html!(
        out,
        "<div class=\"filters\" id=\"filters\">\n<fieldset><legend class=\"unseen\">Show checks that</legend>"
    )?;
    for (status, name, count) in [
        ("all", "All", report.results.len()),
        ("fail", "Failing", count(report, Status::Fail)),
        ("warn", "Warning", count(report, Status::Warn)),
        ("pass", "Passing", count(report, Status::Pass)),
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

/// Writes a link for each tag. If the tag is selected, the link removes the tag from the selection. Otherwise the link
/// adds the tag.
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

/// Returns a link to the status page with only these tags selected.
fn to_tags(page: &Page<'_>, tags: &[&str]) -> String {
    if tags.is_empty() {
        return page.link(page.path());
    }
    let mut query = form_urlencoded::Serializer::new("?".to_owned());
    query.extend_pairs(tags.iter().map(|tag| ("tag", tag)));
    query.finish().replacen("?&", "?", 1)
}

/// Writes a row for each check. The checks with the worst status come first. Checks with the same status are sorted by
/// name.
fn checks(page: &Page<'_>, out: &mut Markup<'_>) -> fmt::Result {
    html!(
        out,
        "<h2 class=\"unseen\">Checks</h2>\n<ol class=\"checks\" id=\"checks\">\n"
    )?;
    let mut results: Vec<&CheckResult> = page.report().results.iter().collect();
    results.sort_by_key(|result| Reverse(result.status));
    for result in results {
        row::write(page, result, out)?;
    }
    html!(
        out,
        "</ol>\n<p class=\"none\" id=\"none\">No check to show here.</p>\n"
    )
}

/// Writes the sections of the report.
fn sections(page: &Page<'_>, out: &mut Markup<'_>) -> fmt::Result {
    let sections = &page.report().sections;
    html!(out, "<div id=\"sections\">")?;
    if !sections.is_empty() {
        super::environment::sections(sections, out)?;
    }
    html!(out, "</div>\n")
}
