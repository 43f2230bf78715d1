//! The environment page: a table a section, searched by name and value, with what is masked marked as such.

use std::fmt;

use serde_json::{Map, Value};

use super::markup::{Markup, html};
use super::shell::{self, Head, Link};
use crate::paths::Paths;
use crate::render::wording::output;

/// What stands in the place of a secret.
const MASK: &str = "********";

/// Stands on a page whose variables and arguments have no values.
const HIDDEN: &str = "Variables and arguments are shown by name alone: the program hasn't said who may read this page. \
    Their values show once it calls Endpoints::environment_access, or serves at a loopback address only.";

pub(super) fn write(
    paths: &Paths,
    all: &Map<String, Value>,
    variables_are_hidden: bool,
    out: &mut Markup<'_>,
) -> fmt::Result {
    let head = Head {
        page: "environment",
        title: "Environment",
        icon: "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' rx='3' fill='%230969da'/%3E%3Cpath d='M4 5h8M4 8h8M4 11h5' stroke='%23fff' stroke-width='1.6'/%3E%3C/svg%3E",
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
    let json = Link {
        to: "?format=json".to_owned(),
        name: "JSON",
        is_here: false,
    };
    shell::foot(&[json], out)
}

/// Some sections, each under its name.
pub(super) fn sections(all: &Map<String, Value>, out: &mut Markup<'_>) -> fmt::Result {
    for (number, (name, section)) in all.iter().enumerate() {
        html!(out,
            "<section class=\"section\" id=\"section-" {number} "\" aria-labelledby=\"name-" {number} "\">\n<h2 id=\"name-"
            {number} "\"><bdi>" {name} "</bdi></h2>\n"
        )?;
        value(section, out)?;
        html!(out, "</section>\n")?;
    }
    Ok(())
}

fn value(shown: &Value, out: &mut Markup<'_>) -> fmt::Result {
    match shown {
        Value::Object(fields) if fields.is_empty() => html!(out, "<span class=\"nothing\">empty</span>"),
        Value::Object(fields) => {
            html!(out, "<dl class=\"fields\">")?;
            for (name, inner) in fields {
                html!(out, "<div class=\"field\"><dt><bdi>" {name} "</bdi></dt><dd>")?;
                value(inner, out)?;
                html!(out, "</dd></div>\n")?;
            }
            html!(out, "</dl>\n")
        }
        Value::Array(items) if items.is_empty() => html!(out, "<span class=\"nothing\">empty</span>"),
        Value::Array(items) => {
            html!(out, "<ol class=\"items\">")?;
            for item in items {
                html!(out, "<li>")?;
                value(item, out)?;
                html!(out, "</li>")?;
            }
            html!(out, "</ol>\n")
        }
        Value::Null => html!(out, "<span class=\"nothing\">none</span>"),
        Value::String(text) if text.is_empty() => html!(out, "<span class=\"nothing\">empty</span>"),
        Value::String(text) => masked(text, out),
        Value::Bool(_) | Value::Number(_) => html!(out, "<span class=\"plain\">" {output(shown)} "</span>"),
    }
}

/// Text, with each mask in it marked: as a mark and in words for those who only hear it.
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
