//! What has become of the checks: of one for its row, and of all for a page.

use std::fmt;

use healthcheck::Transition;

use super::look::Look;
use super::markup::{Markup, html};
use super::shell::{self, Head};
use super::strip;
use crate::paths::{HISTORY, Paths, below};

/// The page of all transitions, the newest first.
pub(super) fn write(
    paths: &Paths,
    with_environment: bool,
    all: &[Transition],
    out: &mut Markup<'_>,
) -> fmt::Result {
    let here = below(&paths.health, HISTORY);
    let head = Head {
        page: "notice",
        title: "History",
        icon: Look::of(healthcheck::Status::Pass).icon,
        service: &paths.service,
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
