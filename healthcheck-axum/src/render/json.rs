use axum::body::Bytes;
use axum::http::HeaderValue;

use super::form::JSON;
use super::{Format, Page, body};

/// The default format: the report, serialized as JSON.
pub(super) struct Json;

impl Format for Json {
    fn content_type(&self) -> HeaderValue {
        JSON
    }

    fn render(&self, page: &Page<'_>) -> Bytes {
        body::render(page, |page, body| body.json(page.report()))
    }
}
