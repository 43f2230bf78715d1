//! The formats of a report. Each format has its own file.

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
/// `microprofile` and `aspnet`. [`Endpoints::format`](crate::Endpoints::format) adds your own.
///
/// A request selects a format by `?format=NAME`. Most formats can also be selected by an `Accept` header that names the
/// content type of the format. The checks that run and the verdict are the same in every format. The status code is
/// also the same, except that an answer with metrics always has 200.
///
/// The server renders the report on all checks of a path once, and sends the same bytes until the report changes. So a
/// format should use only the data of the page. If it used the current time, for example, clients would see the time of
/// the rendering.
///
/// If a format panics, the server logs the panic and sends the built-in JSON.
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
    /// Returns the value of the header `Content-Type`. The server calls this method when the format is added, and again
    /// for each rendering. So the method should always return the same value.
    fn content_type(&self) -> HeaderValue;

    /// Returns further response headers of this format. Default: none. `Connection`, `Content-Length` and
    /// `Transfer-Encoding` are ignored here, because the server sets these headers itself.
    fn headers(&self) -> HeaderMap {
        HeaderMap::new()
    }

    /// Renders the body of an answer. The page contains only the data that the caller may see.
    fn render(&self, page: &Page<'_>) -> Bytes;
}

#[cfg(test)]
mod snapshot_tests;
