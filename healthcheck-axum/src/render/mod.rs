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
/// and `aspnet`. One's own is asked for by `?format=NAME`, or by an `Accept` header that names its content type. It
/// changes the body and its type alone: which checks run, the verdict and its status code stay what they are.
///
/// A whole probe is rendered once a change and served from then on as bytes, so a form that depends on anything but
/// the page (the time, for example) shows that as it was then. A panic is logged, and the report is sent as JSON.
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
    /// The value of `Content-Type`. Asked once when the form is added and once a rendering: it should be the same.
    fn content_type(&self) -> HeaderValue;

    /// Headers that this form needs beside it. Default: none. `Connection`, `Content-Length` and `Transfer-Encoding` are
    /// the server's own affair and left out.
    fn headers(&self) -> HeaderMap {
        HeaderMap::new()
    }

    /// The body. What the page's report says is already reduced to what the caller may see.
    fn render(&self, page: &Page<'_>) -> Bytes;
}

#[cfg(test)]
mod snapshot_tests;
