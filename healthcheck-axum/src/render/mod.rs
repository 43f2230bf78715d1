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
/// A request selects a format by `?format=NAME`. For most formats, a request can also send an `Accept` header with the
/// content type of the format.
///
/// The checks that run and the verdict don't depend on the format. An answer with metrics always has the status code
/// 200. In all other formats the status code is the same.
///
/// The server renders the report on all checks of a path once, and sends the same bytes until the report changes.
///
/// So a format should use only the data of the page. For example, if a format wrote the current time, clients would see
/// the time of the rendering instead of the time of their request.
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
    /// Returns the value of the header `Content-Type`. The server calls this method when you add the format, and for
    /// each rendering. The method should return the same value each time.
    fn content_type(&self) -> HeaderValue;

    /// Returns further response headers of this format. Default: no headers.
    ///
    /// The server sets `Connection`, `Content-Length` and `Transfer-Encoding` itself, and ignores these headers here.
    fn headers(&self) -> HeaderMap {
        HeaderMap::new()
    }

    /// Renders the body of an answer. The page contains only the data that the caller may see.
    fn render(&self, page: &Page<'_>) -> Bytes;
}

#[cfg(test)]
mod snapshot_tests;
