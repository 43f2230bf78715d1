//! Renders the environment page as HTML, with the names and values of each section. A search field filters by name and
//! value. The page highlights masked values.

use std::fmt;

use serde_json::{Map, Number, Value};

use super::look::icon;
use super::markup::{Markup, html};
use super::moment::moment;
use super::shell::{self, Head};
use crate::paths::Paths;
use crate::render::wording::{size, spoken};
use crate::service::Service;

/// The text that replaces a secret in a value.
const MASK: &str = "********";

/// The notice on an environment page that shows variables and arguments without their values.
const HIDDEN: &str = "Variables and arguments are shown by name alone: the program hasn't said who may read this page. \
    Their values show once it calls Endpoints::environment_access, or serves at a loopback address only.";

pub(super) fn write(
    paths: &Paths,
    service: &Service,
    all: &Map<String, Value>,
    variables_are_hidden: bool,
    out: &mut Markup<'_>,
) -> fmt::Result {
    let head = Head {
        page: "environment",
        title: "Environment",
        icon: icon!(
            "%3Crect%20width='16'%20height='16'%20rx='3'%20fill='%230969da'/%3E%3Cpath%20d='M4,5h8M4,8h8M4,11h5'%20stroke='%23fff'%20stroke-width='1.6'/%3E"
        ),
        service,
        links: &shell::links(paths, Some(&paths.environment), true),
    };
    head.write(out)?;
    html!(out,
        "<h1>Environment</h1>\n<search id=\"search\" hidden><label for=\"find\">Search names and values</label>"
        "<input id=\"find\" type=\"search\" autocomplete=\"off\" spellcheck=\"false\"></search>\n"
        "<nav class=\"contents\" aria-label=\"Sections\"><ul>"
    )?;
    for (number, name) in all.keys().enumerate() {
        html!(out, "<li><a href=\"#section-" {number} "\"><bdi>" {name} "</bdi></a></li>")?;
    }
    html!(out, "</ul></nav>\n")?;
    if variables_are_hidden {
        html!(out, "<p class=\"withheld\">" {HIDDEN} "</p>\n")?;
    }
    sections(all, out)?;
    html!(
        out,
        "<p class=\"none\" id=\"none\" hidden>Nothing here matches.</p>\n"
    )?;
    shell::foot(&[shell::JSON], out)
}

/// Writes each section of the environment below a heading with the section's name.
pub(super) fn sections(all: &Map<String, Value>, out: &mut Markup<'_>) -> fmt::Result {
    for (number, (name, section)) in all.iter().enumerate() {
        html!(out,
            "<section class=\"section\" id=\"section-" {number} "\" aria-labelledby=\"name-" {number} "\">\n<h2 id=\"name-"
            {number} "\"><bdi>" {name} "</bdi></h2>\n"
        )?;
        value(name, section, out)?;
        html!(out, "</section>\n")?;
    }
    Ok(())
}

/// Writes a value of a section. `at` is the path of the value, such as "process.memory.resident".
fn value(at: &str, shown: &Value, out: &mut Markup<'_>) -> fmt::Result {
    match shown {
        Value::Object(fields) if fields.is_empty() => html!(out, "<span class=\"nothing\">empty</span>"),
        Value::Object(fields) => {
            html!(out, "<dl class=\"fields\">")?;
            for (name, inner) in fields {
                html!(out, "<div class=\"field\"><dt><bdi>")?;
                // `<wbr>` allows a line break after each `_`, so that the browser can wrap a long name.
                for word in name.split_inclusive('_') {
                    html!(out, {word} "<wbr>")?;
                }
                html!(out, "</bdi></dt><dd>")?;
                value(&format!("{at}.{name}"), inner, out)?;
                html!(out, "</dd></div>\n")?;
            }
            html!(out, "</dl>\n")
        }
        Value::Array(items) if items.is_empty() => html!(out, "<span class=\"nothing\">empty</span>"),
        Value::Array(items) => {
            html!(out, "<ol class=\"items\">")?;
            for item in items {
                html!(out, "<li>")?;
                value(at, item, out)?;
                html!(out, "</li>")?;
            }
            html!(out, "</ol>\n")
        }
        Value::Null => html!(out, "<span class=\"nothing\">none</span>"),
        Value::String(text) if text.is_empty() => html!(out, "<span class=\"nothing\">empty</span>"),
        Value::String(text) => masked(text, out),
        Value::Number(number) => quantity(at, number, out),
        Value::Bool(_) => html!(out, "<span class=\"plain\">" {shown} "</span>"),
    }
}

/// Prefixes of paths in the built-in sections. A number whose path begins with one of these prefixes is a size in
/// bytes.
const BYTES: [&str; 3] = ["os.container.memory_", "os.memory.", "process.memory."];

/// Writes a number. If its path `at` is that of a size, a duration or the start time, formats the number for people.
fn quantity(at: &str, number: &Number, out: &mut Markup<'_>) -> fmt::Result {
    let exact = number.as_f64().unwrap_or_default();
    let read = match at {
        "process.start_time" => return moment(Some(exact), "since", out),
        "process.uptime" => spoken(exact),
        _ if BYTES.iter().any(|start| at.starts_with(start)) || at.ends_with("_bytes") => size(exact),
        _ if at.ends_with("_seconds") => spoken(exact),
        _ => return html!(out, "<span class=\"plain\">" {number} "</span>"),
    };
    html!(out, "<span class=\"plain\" title=\"" {number} "\">" {read} "</span>")
}

/// Writes a text, and highlights each [`MASK`] in it. In place of a mask, a screen reader reads "masked".
fn masked(text: &str, out: &mut Markup<'_>) -> fmt::Result {
    html!(out, "<bdi class=\"text\">")?;
    for (position, part) in text.split(MASK).enumerate() {
        if position > 0 {
            html!(out,
                "<span class=\"masked\" title=\"masked\"><span aria-hidden=\"true\">" {MASK}
                "</span><span class=\"unseen\">masked</span></span>"
            )?;
        }
        out.text(part)?;
    }
    html!(out, "</bdi>")
}
