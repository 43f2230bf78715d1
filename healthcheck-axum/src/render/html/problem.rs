//! Renders the page of an error: the reason for the error, and how to fix it.

use std::fmt;

use axum::http::StatusCode;
use healthcheck::Status;
use serde_json::{Map, Value};

use super::look::Look;
use super::markup::{Markup, html};
use super::shell::{self, Head};
use crate::paths::Paths;
use crate::render::wording::{listed, words};
use crate::service::Service;

pub(super) fn write(
    status: StatusCode,
    error: &str,
    help: &Map<String, Value>,
    links: Option<(&Paths, bool)>,
    out: &mut Markup<'_>,
) -> fmt::Result {
    let look = Look::of(Status::Warn);
    let on_our_server = links.is_some();
    let links = links.map(|(paths, with_environment)| shell::links(paths, None, with_environment));
    let head = Head {
        page: "notice",
        title: error,
        icon: look.icon,
        service: &Service::default(),
        links: &links.unwrap_or_default(),
    };
    head.write(out)?;
    html!(out,
        "<section class=\"verdict " {look.class} "\" aria-labelledby=\"headline\">\n"
        "<span class=\"mark\" aria-hidden=\"true\">" {look.mark} "</span>\n"
        "<div><p class=\"word\">" {status} "</p>\n<h1 id=\"headline\">" {error} "</h1></div>\n</section>\n"
    )?;
    for (key, value) in help {
        html!(out, "<p class=\"withheld\">" {words(key)} ": ")?;
        match value.as_array() {
            // On the server that `serve` runs, the endpoints have exactly these paths: no other router adds a prefix.
            // So links to the paths work.
            Some(paths) if on_our_server && key == "paths" => {
                for (at, path) in paths.iter().filter_map(Value::as_str).enumerate() {
                    let separator = if at == 0 { "" } else { ", " };
                    html!(out, {separator} "<a href=\"" {path} "\">" {path} "</a>")?;
                }
            }
            _ => html!(out, { listed(value) })?,
        }
        html!(out, "</p>\n")?;
    }
    shell::foot(&[], out)
}
