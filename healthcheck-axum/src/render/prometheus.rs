use axum::body::Bytes;
use axum::http::HeaderValue;

use super::metrics::{self, Dialect};
use super::{Format, Page, body};

/// Prometheus' own text format, version 0.0.4, for scrapers that can't read OpenMetrics.
pub(super) struct Prometheus;

impl Format for Prometheus {
    fn content_type(&self) -> HeaderValue {
        HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8")
    }

    fn render(&self, page: &Page<'_>) -> Bytes {
        body::render_metrics(page, |page, body| metrics::write(page, body, Dialect::Prometheus))
    }
}
