//! From a report to an answer: the verdict's status and headers, and a body.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use healthcheck::{Overall, Report};

use crate::details;
use crate::json;
use crate::probe::Kind;

/// How each verdict is answered.
#[derive(Clone, Default)]
pub(crate) struct Answers {
    pub(crate) success_status: Option<StatusCode>,
    pub(crate) degraded_status: Option<StatusCode>,
    pub(crate) failed_status: Option<StatusCode>,
    pub(crate) success_headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) degraded_headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) failed_headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Option<Arc<OwnBody>>,
}

pub(crate) type OwnBody = dyn Fn(&Report) -> Bytes + Send + Sync;

/// A report in the form that goes out, rendered once and sent as often as it is asked for.
pub(crate) struct Rendered {
    pub(crate) report: Arc<Report>,
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

/// What the caller may see of a report.
#[derive(Clone, Copy)]
pub(crate) enum Details<'a> {
    Shown,
    /// Withheld, but for what the caller excluded.
    Withheld(&'a [String]),
}

impl Answers {
    pub(crate) fn render(&self, kind: Kind, report: Arc<Report>, details: Details<'_>) -> Rendered {
        let verdict = report.status;
        let body = match details {
            Details::Shown => self.body(&report),
            Details::Withheld(excluded) => self.body(&details::withheld(&report, excluded)),
        };
        let mut headers = headers(HeaderValue::from_static("application/json"), body.len());
        for (name, value) in self.headers(verdict) {
            headers.insert(name, value.clone());
        }
        Rendered {
            report,
            status: self.status(kind, verdict),
            headers,
            body,
        }
    }

    fn status(&self, kind: Kind, verdict: Overall) -> StatusCode {
        let success = self.success_status.unwrap_or(StatusCode::OK);
        match verdict {
            Overall::Failure => self.failed_status.unwrap_or(StatusCode::SERVICE_UNAVAILABLE),
            // A kubelet must never see a 4xx for a warning.
            Overall::Degraded if kind == Kind::Health => self.degraded_status.unwrap_or(success),
            Overall::Degraded | Overall::Success => success,
        }
    }

    fn headers(&self, verdict: Overall) -> impl Iterator<Item = &(HeaderName, HeaderValue)> {
        let (one, other): (&[_], &[_]) = match verdict {
            Overall::Success => (&self.success_headers, &[]),
            Overall::Degraded => (&self.success_headers, &self.degraded_headers),
            Overall::Failure => (&self.failed_headers, &[]),
        };
        one.iter().chain(other)
    }

    fn body(&self, report: &Report) -> Bytes {
        let Some(own) = &self.body else {
            return json::of_report(report);
        };
        catch_unwind(AssertUnwindSafe(|| own(report))).unwrap_or_else(|_| {
            tracing::error!("the closure of `Endpoints::body` panicked: the report is sent as JSON");
            json::of_report(report)
        })
    }
}

impl Rendered {
    pub(crate) fn response(&self) -> Response {
        let mut response = Response::new(Body::from(self.body.clone()));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers.clone();
        response
    }
}

/// An answer that is JSON and no report.
pub(crate) fn json(status: StatusCode, body: Bytes) -> Response {
    let headers = headers(HeaderValue::from_static("application/json"), body.len());
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// What every answer carries. It tells its length itself, since the answer to `HEAD` has no body to count.
fn headers(content_type: HeaderValue, length: usize) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(6);
    headers.insert(header::CONTENT_TYPE, content_type);
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers
}
