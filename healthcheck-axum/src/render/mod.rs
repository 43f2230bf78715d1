//! The formats of a report, one in each file.

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

/// A form that a report can be sent in.
///
/// The built-in ones are `json`, `health+json`, `text`, `html`, `openmetrics`, `prometheus`, `spring`, `microprofile`
/// and `aspnet`. [`Endpoints::format`](crate::Endpoints::format) adds your own. A request gets it by `?format=NAME`, or by
/// an `Accept` header that names its content type. A form changes only the body and its type, not which checks run, the
/// verdict or its status code.
///
/// The report of a whole probe is rendered once for each change, and the bytes are kept. So use only what the page has: the
/// time, for example, would be that of the rendering. If a form panics, the panic is logged and JSON is sent instead.
///
/// ```
/// use axum::body::Bytes;
/// use axum::http::HeaderValue;
/// use healthcheck_axum::{Format, Page};
///
/// /// A line a check, for `awk`.
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
    /// The value of `Content-Type`. It is called when the form is added and for each rendering, and should always return the
    /// same.
    fn content_type(&self) -> HeaderValue;

    /// More headers of this form. Default: none. The server sets `Connection`, `Content-Length` and `Transfer-Encoding`
    /// itself, so they are left out.
    fn headers(&self) -> HeaderMap {
        HeaderMap::new()
    }

    /// The body. The page has only what the caller may see.
    fn render(&self, page: &Page<'_>) -> Bytes;
}

#[cfg(test)]
mod snapshot_tests;
