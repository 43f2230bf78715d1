use std::borrow::Cow;
use std::fmt::{self, Write};

use axum::body::Bytes;
use axum::http::HeaderValue;
use healthcheck::{CheckResult, Overall, Status};

use super::body::Body;
use super::wording::{OneLine, advice, beginning, output};
use super::{Format, Page, body};

/// The format `text`, which looks like the answers of the Kubernetes API server at `/readyz` and `/readyz?verbose`.
pub(super) struct Text;

impl Format for Text {
    fn content_type(&self) -> HeaderValue {
        HeaderValue::from_static("text/plain; charset=utf-8")
    }

    fn render(&self, page: &Page<'_>) -> Bytes {
        body::render(page, write)
    }
}

/// The most bytes of a single output, in an answer for a client that keeps only the last 4 KB of the body.
const SHORT: usize = 512;

fn write(page: &Page<'_>, body: &mut Body) -> fmt::Result {
    let report = page.report();
    let fails = report.status == Overall::Failure;
    if !page.is_verbose() && !fails {
        body.write_str("ok")?;
        return degraded(page, body);
    }
    if page.is_worst_last() {
        for excluded in page.excluded().iter().filter(|name| is_known(page, name)) {
            excluded_line(body, excluded)?;
        }
        warnings(page, body)?;
        for status in [Status::Pass, Status::Warn, Status::Fail] {
            for result in report.results.iter().filter(|result| result.status == status) {
                line(body, result, SHORT)?;
                advice(result, SHORT, body)?;
            }
        }
    } else {
        in_order(page, body)?;
        warnings(page, body)?;
    }
    if let Some(reason) = &report.reason {
        writeln!(body, "[-]{} failed: {}", OneLine(page.name()), OneLine(reason))?;
    }
    let verdict = if fails { "failed" } else { "passed" };
    write!(body, "{} check {verdict}", OneLine(page.name()))?;
    degraded(page, body)?;
    writeln!(body)
}

/// If the overall status is degraded, writes "degraded" and the names of the checks that fail or warn.
fn degraded(page: &Page<'_>, body: &mut Body) -> fmt::Result {
    let report = page.report();
    if report.status != Overall::Degraded {
        return Ok(());
    }
    body.write_str(", degraded")?;
    let culprits = report
        .results
        .iter()
        .filter(|result| result.status != Status::Pass);
    for (number, result) in culprits.enumerate() {
        let separator = if number == 0 { ": " } else { ", " };
        write!(body, "{separator}{}", OneLine(&result.checker))?;
    }
    Ok(())
}

/// Writes a line for each result and for each excluded check, sorted by name.
fn in_order(page: &Page<'_>, body: &mut Body) -> fmt::Result {
    let known = page.excluded().iter().filter(|name| is_known(page, name));
    let mut excluded: Vec<&str> = known.map(String::as_str).collect();
    excluded.sort_unstable();
    let mut excluded = excluded.into_iter().peekable();
    for result in &page.report().results {
        while let Some(name) = excluded.next_if(|name| *name < result.checker.as_str()) {
            excluded_line(body, name)?;
        }
        line(body, result, usize::MAX)?;
        if page.is_verbose() {
            advice(result, usize::MAX, body)?;
        }
    }
    excluded.try_for_each(|name| excluded_line(body, name))
}

fn line(body: &mut Body, result: &CheckResult, longest: usize) -> fmt::Result {
    let name = OneLine(&result.checker);
    let said = match result.status {
        Status::Pass => return writeln!(body, "[+]{name} ok"),
        Status::Warn => "[+]",
        Status::Fail => "[-]",
    };
    let how = if result.status == Status::Warn {
        "warns"
    } else {
        "failed"
    };
    let output = output(&result.output);
    let output: Cow<'_, str> = if output.is_empty() {
        "no output".into()
    } else {
        output
    };
    let (start, is_cut) = beginning(&output, longest);
    let more = if is_cut { "…" } else { "" };
    writeln!(body, "{said}{name} {how}: {}{more}", OneLine(start))
}

fn excluded_line(body: &mut Body, name: &str) -> fmt::Result {
    writeln!(body, "[+]{} excluded: ok", OneLine(name))
}

/// Returns the warning that a report contains if the request excludes the check `name` and this check doesn't exist.
fn unknown(name: &str) -> String {
    format!("there is no check `{name}` to exclude")
}

fn is_known(page: &Page<'_>, name: &str) -> bool {
    !page.report().warnings.contains(&unknown(name))
}

fn warnings(page: &Page<'_>, body: &mut Body) -> fmt::Result {
    let names = page.excluded().iter().filter(|name| !is_known(page, name));
    let quoted: Vec<String> = names.clone().map(|name| quoted(name)).collect();
    if !quoted.is_empty() {
        let quoted = quoted.join(",");
        writeln!(
            body,
            "warn: some health checks cannot be excluded: no matches for {quoted}"
        )?;
    }
    let said: Vec<String> = names.map(|name| unknown(name)).collect();
    for warning in report_warnings(page, &said) {
        writeln!(body, "warn: {}", OneLine(warning))?;
    }
    Ok(())
}

/// Returns the name in double quotes, escaped like the output of `%q` in Go.
fn quoted(name: &str) -> String {
    let name = name.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", OneLine(&name))
}

fn report_warnings<'a>(page: &Page<'a>, said: &[String]) -> impl Iterator<Item = &'a String> {
    page.report()
        .warnings
        .iter()
        .filter(|warning| !said.contains(warning))
}
