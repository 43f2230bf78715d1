use axum::body::Bytes;
use axum::http::HeaderValue;

use super::metrics::{self, Dialect};
use super::{Format, Page, body};

/// The text format of OpenMetrics 1.0, which Prometheus prefers to its own text format.
pub(super) struct OpenMetrics;

impl Format for OpenMetrics {
    fn content_type(&self) -> HeaderValue {
        HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8")
    }

    fn render(&self, page: &Page<'_>) -> Bytes {
        body::render_metrics(page, |page, body| {
            metrics::write(page, body, Dialect::OpenMetrics)
        })
    }
}
