use axum::body::Bytes;
use axum::http::HeaderValue;

use super::form::JSON;
use super::{Format, Page, body};

/// Our own form, the default: the report as it serialises.
pub(super) struct Json;

impl Format for Json {
    fn content_type(&self) -> HeaderValue {
        JSON
    }

    fn render(&self, page: &Page<'_>) -> Bytes {
        body::render(page, |page, body| body.json(page.report()))
    }
}
