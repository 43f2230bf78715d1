//! Renders the parts that all HTML pages have: head, style, script and navigation.

use std::borrow::Cow;
use std::fmt;

use super::markup::{Markup, html};
use crate::kind::ProbeKind;
use crate::paths::Paths;
use crate::service::Service;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The content security policy of the HTML pages. It contains the digests of `page.css` and `page.js`: browsers accept
/// no other style or script. It allows a page to send requests only to the page's own server.
///
/// If you change `page.css` or `page.js`, a test fails and prints the new digest.
pub(super) const POLICY: &str = "default-src 'none'; \
    style-src 'sha256-cesJsTutFuMduT7Z0DkGRGewxUiQdXJ5PDRGWzqL+ms='; \
    script-src 'sha256-2hdsDoZz+RUmzfN7XqKiwBxsDWxkJ0NQ3G/xZg21XI8='; \
    connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A link in the navigation of a page.
pub(super) struct Link {
    to: String,
    name: &'static str,
    is_here: bool,
}

/// The label and the address of a page's link to its own content as JSON.
pub(super) const JSON: (&str, Cow<'_, str>) = ("JSON", Cow::Borrowed("?format=json"));

/// Returns the links to the status pages and the environment page.
///
/// If `from` is set, the links are relative to the page at the path `from`. Relative links work even if the router is
/// nested in another router. If `from` is `None`, the links are absolute paths.
pub(super) fn links(paths: &Paths, from: Option<&str>, with_environment: bool) -> Vec<Link> {
    let up = from.map(|from| "../".repeat(from.trim_matches('/').matches('/').count()));
    let to = |path: &str| match (&up, path.trim_start_matches('/')) {
        (None, _) => path.to_owned(),
        (Some(up), "") if up.is_empty() => "./".to_owned(),
        (Some(up), path) => format!("{up}{path}"),
    };
    let probes = [
        (ProbeKind::Health, "All checks"),
        (ProbeKind::Liveness, "Liveness"),
        (ProbeKind::Readiness, "Readiness"),
        (ProbeKind::Startup, "Startup"),
    ];
    let probes = probes.map(|(kind, name)| (paths.of(kind), name));
    let environment = with_environment.then_some((&*paths.environment, "Environment"));
    let all = probes.into_iter().chain(environment);
    all.map(|(path, name)| Link {
        to: to(path),
        name,
        is_here: from == Some(path),
    })
    .collect()
}

/// The data for the beginning of an HTML page, up to and including `<main>`.
pub(super) struct Head<'a> {
    /// The kind of the page, on which its style and script depend: "status", "environment" or "notice".
    pub(super) page: &'static str,
    pub(super) title: &'a str,
    pub(super) icon: &'static str,
    /// The service. If the service has a name, the page's title and the page's header show the name.
    pub(super) service: &'a Service,
    pub(super) links: &'a [Link],
}

impl Head<'_> {
    pub(super) fn write(&self, out: &mut Markup<'_>) -> fmt::Result {
        html!(out,
            "<!doctype html>\n<html lang=\"en\" class=\"of-" {self.page} "\">\n<head>\n<meta charset=\"utf-8\">\n"
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
            "<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"robots\" content=\"noindex\">\n"
            "<title>" {self.title}
        )?;
        if !self.service.name.is_empty() {
            html!(out, " · " {self.service})?;
        }
        html!(out, "</title>\n<link rel=\"icon\" id=\"icon\" href=\"" {self.icon} "\">\n<style>"
        )?;
        out.literal(STYLE)?;
        html!(
            out,
            "</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">Skip to the content</a>\n<header>\n"
        )?;
        if !self.service.name.is_empty() {
            html!(out, "<p class=\"service\" id=\"service\"><bdi>" {self.service.name} "</bdi>")?;
            if let Some(version) = &self.service.version {
                html!(out, " <bdi class=\"version\">" {version} "</bdi>")?;
            }
            html!(out, "</p>\n")?;
        }
        if !self.links.is_empty() {
            html!(out, "<nav aria-label=\"Pages\"><ul>")?;
            for Link { to, name, is_here } in self.links {
                html!(out, "<li><a href=\"" {to} "\"")?;
                if *is_here {
                    out.literal(" aria-current=\"page\"")?;
                }
                html!(out, ">" {name} "</a></li>")?;
            }
            html!(out, "</ul></nav>\n")?;
        }
        html!(out,
            "<div class=\"live\" id=\"live\" hidden><p id=\"link\" role=\"status\"></p>"
            "<button type=\"button\" id=\"pause\" aria-pressed=\"false\">Pause</button></div>\n"
            "</header>\n<main id=\"main\" tabindex=\"-1\">\n"
        )
    }
}

/// Writes the end of a page, from `</main>` on. `others` are the links in the footer, such as those to the same content
/// in formats for programs.
pub(super) fn foot(others: &[(&str, Cow<'_, str>)], out: &mut Markup<'_>) -> fmt::Result {
    html!(out, "</main>\n")?;
    if !others.is_empty() {
        html!(out, "<footer><ul aria-label=\"The same for programs\">")?;
        for (name, to) in others {
            html!(out, "<li><a href=\"" {to} "\">" {name} "</a></li>")?;
        }
        html!(out, "</ul></footer>\n")?;
    }
    html!(
        out,
        "<p class=\"unseen\" id=\"said\" role=\"status\"></p>\n<script>"
    )?;
    out.literal(SCRIPT)?;
    html!(out, "</script>\n</body>\n</html>\n")
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn the_policy_names_the_digests_of_exactly_this_style_and_script() {
        for (directive, file) in [("style-src", STYLE), ("script-src", SCRIPT)] {
            let digest = BASE64_STANDARD.encode(Sha256::digest(file));
            let expected = format!("{directive} 'sha256-{digest}'");
            assert!(POLICY.contains(&expected), "write into POLICY: {expected}");
        }
    }

    #[test]
    fn neither_file_ends_its_own_element() {
        assert!(!STYLE.contains("</") && !SCRIPT.contains("</"));
        assert!(!SCRIPT.contains("<!--"));
    }
}
