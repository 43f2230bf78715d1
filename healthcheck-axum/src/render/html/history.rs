//! Renders the history page as HTML: the transitions of all checks and of the overall status.

use std::fmt;

use healthcheck::Transition;

use super::look::Look;
use super::markup::{Markup, html};
use super::shell::{self, Head};
use super::strip;
use crate::paths::{HISTORY, Paths, below};
use crate::service::Service;

/// Writes the history page, with the newest transition first.
pub(super) fn write(
    paths: &Paths,
    service: &Service,
    with_environment: bool,
    all: &[Transition],
    out: &mut Markup<'_>,
) -> fmt::Result {
    let here = below(&paths.health, HISTORY);
    let head = Head {
        page: "notice",
        title: "History",
        icon: Look::of(healthcheck::Status::Pass).icon,
        service,
        links: &shell::links(paths, Some(&here), with_environment),
    };
    head.write(out)?;
    html!(out, "<h1>History</h1>\n")?;
    if all.is_empty() {
        html!(out, "<p class=\"withheld\">Nothing has changed yet.</p>\n")?;
    } else {
        html!(out, "<ol class=\"history\">\n")?;
        for transition in all.iter().rev() {
            let name = transition.checker.as_deref().unwrap_or("the whole");
            strip::line(transition, Some(name), out)?;
        }
        html!(out, "</ol>\n")?;
    }
    shell::foot(&[shell::JSON], out)
}
