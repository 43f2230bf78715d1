//! The formats of a report. Each has a file of its own.

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue};

mod body;
mod compat;
mod form;
mod formats;
mod health_json;
pub(crate) mod html;
mod json;
mod metrics;
mod openmetrics;
mod page;
pub(crate) mod plain;
mod prometheus;
mod text;
mod wording;

pub(crate) use form::{Choice, Endpoint, Form, Style};
#[cfg(feature = "openapi")]
pub(crate) use formats::essence;
pub(crate) use formats::{Acceptability, Formats};
pub use page::Page;
pub(crate) use page::{PageContext, Wholes};
pub(crate) use wording::{OneLine, advice, listed, output, words};

/// An output format of a report.
///
/// The built-in formats are `json`, `health+json`, `text`, `html`, `openmetrics`, `prometheus`, `spring`,
/// `microprofile` and `aspnet`. [`Endpoints::format`](crate::Endpoints::format) adds your own. A request selects a
/// format by `?format=NAME` or, for most formats, by an `Accept` header that names the content type. A format changes
/// only the body and its type. It changes neither the checks that run, nor the verdict, nor the status code.
///
/// The server renders the report of a whole probe once for each change, and caches the bytes. So use only the data of
/// the page: the current time, for example, would be the time of the rendering. If a format panics, the panic is logged
/// and JSON is sent instead.
///
/// ```
/// use axum::body::Bytes;
/// use axum::http::HeaderValue;
/// use healthcheck_axum::{Format, Page};
///
/// /// Writes a line for each check, for `awk`.
/// struct Columns;
///
/// impl Format for Columns {
///     fn content_type(&self) -> HeaderValue {
///         HeaderValue::from_static("text/tab-separated-values; charset=utf-8")
///     }
///
///     fn render(&self, page: &Page<'_>) -> Bytes {
///         let lines = page.report().results.iter();
///         let lines = lines.map(|result| format!("{}\t{}\n", result.checker, result.status));
///         lines.collect::<String>().into()
///     }
/// }
/// ```
pub trait Format: Send + Sync + 'static {
    /// Returns the value of `Content-Type`. The server calls this when the format is added and for each rendering, so
    /// it should always return the same value.
    fn content_type(&self) -> HeaderValue;

    /// Returns further headers of this format. Default: none. The server sets `Connection`, `Content-Length` and
    /// `Transfer-Encoding` itself, and ignores them here.
    fn headers(&self) -> HeaderMap {
        HeaderMap::new()
    }

    /// Renders the body. The page has only the data that the caller may see.
    fn render(&self, page: &Page<'_>) -> Bytes;
}

#[cfg(test)]
mod snapshot_tests;
