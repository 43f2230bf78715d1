//! Turns a report into an HTTP response. The verdict determines the status and the headers, and the format determines
//! the body.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use axum::body::Bytes;
use axum::http::response::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use healthcheck::{HealthCheck, Overall, Report};

use crate::access::details::{self, Details};
use crate::kind::ProbeKind;
use crate::log::log;
#[cfg(feature = "openapi")]
use crate::render::essence;
use crate::render::{Choice, Form, Format, Formats, Page, PageContext, html};

/// The configured status codes and headers for each verdict, and the formats.
#[derive(Clone, Default)]
pub(crate) struct Answers {
    pub(crate) success_status: Option<StatusCode>,
    pub(crate) degraded_status: Option<StatusCode>,
    pub(crate) failed_status: Option<StatusCode>,
    pub(crate) success_headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) degraded_headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) failed_headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) formats: Formats,
    /// The part of a report for a caller that may not see the details.
    pub(crate) details: Details,
}

/// A rendered response. Every request for the same report in the same format gets this response until the report
/// changes.
pub(crate) struct Rendered {
    /// The status and the headers of an answer whose format the header `Accept` decided. So `Vary` contains `accept`.
    head: Parts,
    /// The `Vary` of an answer whose format the query decided. It has only the values that the format or the
    /// application sets.
    own_vary: Option<HeaderValue>,
    body: Bytes,
}

const ACCEPT: &str = "accept";

/// The HTTP methods that the report endpoints accept, as the value of the header `Allow`.
pub(crate) const METHODS_OF_REPORTS: &str = "GET, HEAD, OPTIONS";

/// Headers that the HTTP server sets itself. Formats and users can't set these headers, because a wrong value would
/// break the connection.
pub(crate) const SERVERS_OWN: [&str; 3] = ["connection", "content-length", "transfer-encoding"];

/// The rendered parts of a page, as a format returned them.
struct Made {
    content_type: HeaderValue,
    headers: HeaderMap,
    body: Bytes,
    /// False if the chosen format panicked and the default JSON replaces it.
    as_chosen: bool,
}

/// The inputs of a rendering, besides the report.
#[derive(Clone, Copy)]
pub(crate) struct RenderContext<'a> {
    pub(crate) health: &'a HealthCheck,
    pub(crate) context: PageContext<'a>,
    /// Whether the caller may see the outputs of the checks.
    pub(crate) details: bool,
}

impl Answers {
    /// Returns an error for each configured status code that is interim. After a status from 100 to 199 a client waits
    /// for a final one.
    pub(crate) fn problems(&self) -> Vec<String> {
        let statuses = [
            ("success_status", self.success_status),
            ("degraded_status", self.degraded_status),
            ("failed_status", self.failed_status),
        ];
        let interim = statuses
            .into_iter()
            .filter_map(|(method, status)| Some((method, status.filter(StatusCode::is_informational)?)));
        interim
            .map(|(method, status)| {
                format!(
                    "{method}({}) is no status of an answer, which begin with 200",
                    status.as_u16()
                )
            })
            .collect()
    }

    /// Renders the answer that shows this report.
    pub(crate) fn render(&self, report: &Report, choice: Choice, subject: RenderContext<'_>) -> Rendered {
        let RenderContext {
            health,
            context,
            details,
        } = subject;
        let reduced;
        let told = if details {
            report
        } else {
            reduced = match self.details {
                Details::Verdicts => report.without_details(details::WITHHELD),
                Details::Overall => details::overall(report),
            };
            &reduced
        };
        let page = Page::new(told, health, context)
            .style(choice.style)
            .withheld((!details).then_some(self.details));
        let made = self.made(choice, &page);
        let verdict = report.status;
        let mut headers = headers(made.content_type, made.body.len());
        headers.extend(made.headers);
        for (name, value) in self.headers(verdict) {
            // A `Content-Type` that the application sets applies only to the format `json`, whose output the
            // application can replace by `Endpoints::body`. If the application's closure has panicked, the built-in
            // JSON keeps its own content type.
            let is_of_body = choice.form == Form::JSON && made.as_chosen;
            if *name != header::CONTENT_TYPE || is_of_body {
                headers.insert(name, value.clone());
            }
        }
        let status = if choice.form.is_metrics() {
            // Prometheus drops the body of an answer whose status isn't 200.
            StatusCode::OK
        } else {
            self.status(context.kind, verdict)
        };
        let mut body = made.body;
        if has_no_content(status) {
            // An answer with this status has no body. Some clients reject it if it has a content length
            // (RFC 9110, 8.6).
            headers.remove(header::CONTENT_TYPE);
            headers.remove(header::CONTENT_LENGTH);
            body = Bytes::new();
        }
        let own_vary = headers.get(header::VARY).cloned();
        headers.insert(
            header::VARY,
            own_vary
                .as_ref()
                .map_or(HeaderValue::from_static(ACCEPT), with_accept),
        );
        let (mut head, ()) = Response::new(()).into_parts();
        head.status = status;
        head.headers = headers;
        Rendered { head, own_vary, body }
    }

    fn status(&self, kind: ProbeKind, verdict: Overall) -> StatusCode {
        let success = self.success_status.unwrap_or(StatusCode::OK);
        match verdict {
            Overall::Failure => self.failed_status.unwrap_or(StatusCode::SERVICE_UNAVAILABLE),
            // Only the health path uses `degraded_status`. On a probe path, degraded is a success, because a kubelet
            // would count a 4xx as a failure.
            Overall::Degraded if kind == ProbeKind::Health => self.degraded_status.unwrap_or(success),
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

    /// Returns the content types that the user sets by header, without their parameters.
    #[cfg(feature = "openapi")]
    pub(crate) fn content_types(&self) -> impl Iterator<Item = String> {
        let all = [
            &self.success_headers,
            &self.degraded_headers,
            &self.failed_headers,
        ];
        let set = all.into_iter().flatten();
        set.filter(|(name, _)| *name == header::CONTENT_TYPE)
            .map(|(_, value)| essence(value))
    }

    /// Renders the page in the chosen format. If that format panics, renders it with the default JSON.
    fn made(&self, choice: Choice, page: &Page<'_>) -> Made {
        let make = |format: &dyn Format, as_chosen| Made {
            content_type: format.content_type(),
            headers: format.headers(),
            body: format.render(page),
            as_chosen,
        };
        let chosen = AssertUnwindSafe(|| make(self.formats.get(choice.form), true));
        let mut made = catch_unwind(chosen).unwrap_or_else(|_| {
            let name = self.formats.name(choice.form).to_owned();
            log!(ERROR, "the format `{name}` panicked: the report is sent as JSON");
            make(Formats::default_json(), false)
        });
        for name in SERVERS_OWN {
            made.headers.remove(name);
        }
        made
    }
}

impl Rendered {
    /// Returns the HTTP response. `by_accept`: whether the client's `Accept` decided the format.
    pub(crate) fn response(&self, by_accept: bool) -> Response<Bytes> {
        Response::from_parts(self.head(by_accept), self.body.clone())
    }

    #[inline]
    fn head(&self, by_accept: bool) -> Parts {
        if by_accept {
            self.head.clone()
        } else {
            self.head_by_query()
        }
    }

    fn head_by_query(&self) -> Parts {
        let mut head = self.head.clone();
        match &self.own_vary {
            Some(vary) => head.headers.insert(header::VARY, vary.clone()),
            None => head.headers.remove(header::VARY),
        };
        head
    }
}

/// A cached answer, and the changes to it that one request needs.
pub(crate) struct Cached {
    pub(crate) rendered: Arc<Rendered>,
    /// Whether `Accept` decided the format.
    pub(crate) by_accept: bool,
    pub(crate) finish: Finish,
}

impl Cached {
    /// Returns the HTTP response. `into_body` turns the answer's bytes into the body of the response.
    #[inline]
    pub(crate) fn response<B>(&self, into_body: impl FnOnce(Bytes) -> B) -> Response<B> {
        let mut head = self.rendered.head(self.by_accept);
        self.finish.change(&mut head.headers);
        let content = self.finish.body(self.rendered.body.clone());
        Response::from_parts(head, into_body(content))
    }
}

/// Changes to an answer, which depend on the method of the request and on whether the service drains.
#[derive(Clone, Copy)]
pub(crate) struct Finish {
    /// Whether the method is `HEAD` or `OPTIONS`.
    pub(crate) without_body: bool,
    pub(crate) is_options: bool,
    /// Whether the server closes the connection after the answer.
    pub(crate) closes: bool,
}

impl Finish {
    /// Returns the answer with these changes.
    pub(crate) fn applied(self, answer: Response<Bytes>) -> Response<Bytes> {
        let mut answer = answer.map(|content| self.body(content));
        self.change(answer.headers_mut());
        answer
    }

    fn body(self, content: Bytes) -> Bytes {
        if self.without_body { Bytes::new() } else { content }
    }

    /// Applies these changes to the headers of an answer. An answer to `HEAD` keeps the content length of the body that
    /// `GET` would get.
    fn change(self, headers: &mut HeaderMap) {
        if self.is_options {
            headers.insert(header::ALLOW, HeaderValue::from_static(METHODS_OF_REPORTS));
            if headers.contains_key(header::CONTENT_LENGTH) {
                headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
            }
        }
        if self.closes {
            close(headers);
        }
    }
}

/// Returns a JSON response that isn't a report.
pub(crate) fn json(status: StatusCode, body: Bytes) -> Response<Bytes> {
    plain(status, HeaderValue::from_static("application/json"), body)
}

/// Returns a text response that isn't a report.
pub(crate) fn text(status: StatusCode, body: Bytes) -> Response<Bytes> {
    plain(
        status,
        HeaderValue::from_static("text/plain; charset=utf-8"),
        body,
    )
}

/// Returns an HTML response that isn't a report.
pub(crate) fn page(status: StatusCode, body: Bytes) -> Response<Bytes> {
    let mut response = plain(status, html::HTML, body);
    response.headers_mut().extend(html::headers());
    response
}

/// Returns a response in JSON or in HTML, for a page that has no other format.
pub(crate) fn either(
    choice: Choice,
    by_accept: bool,
    json_of: impl FnOnce() -> Bytes,
    page_of: impl FnOnce() -> Bytes,
) -> Response<Bytes> {
    let mut response = if choice.form == Form::HTML {
        page(StatusCode::OK, page_of())
    } else {
        json(StatusCode::OK, json_of())
    };
    if by_accept {
        response
            .headers_mut()
            .insert(header::VARY, HeaderValue::from_static(ACCEPT));
    }
    response
}

/// Returns the response to a CORS preflight: 204, with the allowed methods in `Allow`.
pub(crate) fn no_content(allowed: &'static str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let mut headers = headers(HeaderValue::from_static(""), 0);
    headers.remove(header::CONTENT_TYPE);
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::ALLOW, HeaderValue::from_static(allowed));
    *response.headers_mut() = headers;
    response
}

/// Makes the server close the connection after the response with these headers.
pub(crate) fn close(headers: &mut HeaderMap) {
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
}

/// Returns whether a response with this status never has a body.
pub(crate) fn has_no_content(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED
    )
}

/// Returns this value of `Vary` with `accept` added.
fn with_accept(vary: &HeaderValue) -> HeaderValue {
    let both = [ACCEPT.as_bytes(), b", ", vary.as_bytes()].concat();
    HeaderValue::from_bytes(&both).unwrap_or(HeaderValue::from_static(ACCEPT))
}

fn plain(status: StatusCode, content_type: HeaderValue, body: Bytes) -> Response<Bytes> {
    let headers = headers(content_type, body.len());
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// Returns the headers that every response with a body has. They include the content length, because the server can't
/// compute it for a response to `HEAD`, whose body is removed.
fn headers(content_type: HeaderValue, length: usize) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(header::CONTENT_TYPE, content_type);
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers
}
