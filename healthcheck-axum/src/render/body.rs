//! A response body with a size limit, and the rendering of a page into such a body.

use std::fmt;
use std::io;

use axum::body::Bytes;
use serde::Serialize;

use super::Page;
use crate::access::details::LEFT_OUT;

/// The most bytes of a body in a format other than metrics: 4 MiB.
const LARGEST: usize = 4 * 1024 * 1024;
/// The most bytes of a body with metrics: 64 MiB, for about 100,000 checks. A larger body couldn't be shortened by
/// leaving out the outputs of checks, because metrics contain no outputs.
const MOST_METRICS: usize = 64 * 1024 * 1024;

/// Renders metrics. The size limit is higher than for the other formats, because an alert can't fire without its
/// metric.
pub(super) fn render_metrics(page: &Page<'_>, write: impl Fn(&Page<'_>, &mut Body) -> fmt::Result) -> Bytes {
    let mut body = Body {
        limit: MOST_METRICS,
        ..Body::default()
    };
    match write(page, &mut body) {
        Ok(()) => body.into_bytes(),
        Err(_) => render(page, write),
    }
}

/// Renders a page. If the body would be too large, leaves out parts of the page, one after another, until the body
/// fits:
///
/// - the outputs and sections;
/// - the histories of the checks;
/// - all results, so that only the overall status remains.
pub(super) fn render(page: &Page<'_>, write: impl Fn(&Page<'_>, &mut Body) -> fmt::Result) -> Bytes {
    let within = |page: &Page<'_>| {
        let mut body = Body::default();
        write(page, &mut body).ok().map(|()| body.into_bytes())
    };
    within(page).unwrap_or_else(|| {
        let mut reduced = page.report().without_outputs(LEFT_OUT);
        let warnings = &mut reduced.warnings;
        warnings.push("outputs and sections are left out: the body would be larger than 4 MiB".to_owned());
        let without_outputs = || within(&page.with_report(&reduced));
        let without_history = || within(&page.with_report(&reduced).with_history(Vec::new()));
        without_outputs().or_else(without_history).unwrap_or_else(|| {
            reduced.results.clear();
            reduced.warnings =
                vec!["the results are left out: the body would be larger than 4 MiB".to_owned()];
            within(&page.with_report(&reduced)).unwrap_or_default()
        })
    })
}

/// A body in progress, of at most `limit` bytes. A write beyond that limit returns an error.
#[derive(Debug)]
pub(crate) struct Body {
    text: Vec<u8>,
    limit: usize,
}

impl Default for Body {
    fn default() -> Self {
        Self {
            text: Vec::new(),
            limit: LARGEST,
        }
    }
}

impl Body {
    pub(crate) fn json<T: Serialize + ?Sized>(&mut self, value: &T) -> fmt::Result {
        serde_json::to_writer(self, value).map_err(|_| fmt::Error)
    }

    pub(crate) fn into_bytes(self) -> Bytes {
        self.text.into()
    }

    fn take(&mut self, text: &[u8]) -> fmt::Result {
        if self.text.len().saturating_add(text.len()) > self.limit {
            return Err(fmt::Error);
        }
        self.text.extend_from_slice(text);
        Ok(())
    }
}

impl fmt::Write for Body {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.take(text.as_bytes())
    }
}

impl io::Write for Body {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.take(bytes).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
