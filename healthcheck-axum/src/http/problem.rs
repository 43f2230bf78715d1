//! Error responses. Each states the error and helpful details in a format that the request accepts: JSON
//! (`{"error": …}`), text or HTML.

use std::fmt::Write as _;
use std::time::SystemTime;

use axum::body::Bytes;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use healthcheck::SelectionError;
use healthcheck::upstream_loops::Loop;
use serde_json::{Map, Value, json};

use super::negotiation::{FormatRequest, UnknownFormat};
use crate::access::Refusal;
use crate::http::answer;
use crate::http::query::QueryError;
use crate::paths::Paths;
use crate::render::{Endpoint, Form, Formats, OneLine, html, listed, words};

/// An error in a request, with details that help to fix it.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    error: String,
    /// Details that help to fix the error. Each detail has a name, and is a text or a list of texts.
    help: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// Whether the error comes from a server that serves only the endpoints. If so, the HTML page of the error links to
    /// the endpoints.
    on_our_server: bool,
    /// Whether the error or its details contain names of checks or tags.
    names_checks: bool,
}

impl Problem {
    fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self {
            status,
            error: error.into(),
            help: Map::new(),
            headers: Vec::new(),
            on_our_server: false,
            names_checks: false,
        }
    }

    fn help(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.help.insert(key.into(), value.into());
        self
    }

    /// Describes a request whose method the target doesn't support.
    pub(crate) fn method_not_allowed(allowed: &'static str) -> Self {
        let error = format!("this path answers {allowed}");
        let mut problem = Self::new(StatusCode::METHOD_NOT_ALLOWED, error);
        let allowed = HeaderValue::from_static(allowed);
        problem.headers.push((header::ALLOW, allowed));
        problem
    }

    /// Describes a request that no access rule admits. `refusals` contains the reason for which each
    /// rule refuses the request.
    pub(crate) fn refused(refusals: &[Refusal<'_>]) -> Self {
        let joined = |texts: Vec<String>| texts.join("; or ");
        let challenges = refusals.iter().filter_map(|refusal| refusal.challenge());
        let headers: Vec<_> = challenges
            .map(|challenge| (header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge)))
            .collect();
        let status = if headers.is_empty() {
            StatusCode::FORBIDDEN
        } else {
            StatusCode::UNAUTHORIZED
        };
        let error = joined(refusals.iter().map(|refusal| refusal.problem()).collect());
        let remedies = refusals.iter().map(|refusal| refusal.remedy().to_owned());
        let mut problem = Self::new(status, error).help("how_to_allow", joined(remedies.collect()));
        problem.headers = headers;
        problem
    }

    /// Describes a request to a path without an endpoint. `there` lists the paths of the endpoints.
    pub(crate) fn nothing_here(head: &Parts, there: Vec<&str>) -> Self {
        let path = head.uri.path();
        let meant = path.trim_end_matches('/');
        let meant = there.iter().find(|there| **there == meant && meant != path);
        let error = match meant {
            Some(meant) => format!("there is nothing at this path; did you mean `{meant}`?"),
            None if path == "/" => "this server has health endpoints only, and none at `/`".to_owned(),
            None => "there is nothing at this path".to_owned(),
        };
        let mut problem = Self::new(StatusCode::NOT_FOUND, error).help("paths", there);
        problem.on_our_server = true;
        problem
    }

    /// Describes a request that an upstream check of this process caused, directly or through other services.
    pub(crate) fn asked_by_itself(refused: Loop) -> Self {
        Self::new(StatusCode::LOOP_DETECTED, refused.to_string())
    }

    /// Describes a path whose last segment isn't UTF-8.
    pub(crate) fn bad_path() -> Self {
        let error = "the path isn't UTF-8 once it is decoded";
        Self::new(StatusCode::BAD_REQUEST, error)
    }

    /// Describes a request whose path names a check that the query doesn't select.
    pub(crate) fn not_chosen(check: &str) -> Self {
        let error = format!(
            "the path asks for the check `{check}` alone, and the query for others; ask for one of the two"
        );
        Self::new(StatusCode::NOT_FOUND, error).help("known_checks", vec![check])
    }

    /// Describes a request for a section that doesn't exist. The error lists the sections.
    pub(crate) fn unknown_section(section: &str, known: impl Iterator<Item = String>) -> Self {
        let known: Vec<String> = known.collect();
        let error = format!(
            "unknown section `{section}`; the sections are: {}",
            known.join(", ")
        );
        Self::new(StatusCode::NOT_FOUND, error).help("known_sections", known)
    }

    /// Describes a request for the environment page of a service that has no such page. Such a service has no route for
    /// the page, so this error should never occur.
    pub(crate) fn no_environment() -> Self {
        Self::new(StatusCode::NOT_FOUND, "no environment page is served")
    }

    /// Describes a request whose `Host` header is missing, repeated or invalid. Only an HTTP/1.0 request may omit this
    /// header.
    pub(crate) fn bad_host() -> Self {
        let error = "the request has to name one `Host`, and this one has none, several or an invalid one";
        Self::new(StatusCode::BAD_REQUEST, error)
    }

    /// Returns the same error without the names of checks and tags, for a caller that may not see them.
    pub(crate) fn without_names(self) -> Self {
        if self.names_checks {
            return Self::new(self.status, "unknown check or tag");
        }
        self
    }

    /// Returns the response, in the format that the request accepts.
    ///
    /// `ours` contains the paths of the endpoints, and a flag that says whether there is an environment page. If the
    /// server serves only the endpoints, the HTML page links to these paths.
    pub(crate) fn response(
        self,
        formats: &Formats,
        ours: Option<(&Paths, bool)>,
        head: &Parts,
    ) -> Response<Bytes> {
        let links = ours.filter(|_| self.on_our_server);
        let choice = formats.choose(&FormatRequest {
            format: None,
            verbose: false,
            headers: &head.headers,
            on: Endpoint::Problem,
        });
        let form = choice.map_or(Form::JSON, |choice| choice.form);
        let mut response = match form {
            Form::HTML => answer::page(
                self.status,
                html::of_problem(self.status, &self.error, &self.help, links),
            ),
            Form::TEXT => answer::text(self.status, Bytes::from(self.text())),
            _ => answer::json(self.status, Bytes::from(self.json().to_string())),
        };
        let headers = response.headers_mut();
        headers.insert(header::VARY, HeaderValue::from_static("accept"));
        for (name, value) in self.headers {
            headers.append(name, value);
        }
        response
    }

    fn json(&self) -> Value {
        let mut body = self.help.clone();
        body.insert("error".to_owned(), self.error.clone().into());
        body.into()
    }

    fn text(&self) -> String {
        let mut text = format!("{}\n", OneLine(&self.error));
        for (key, value) in &self.help {
            // Writing to a string can't fail.
            let _ = writeln!(text, "{}: {}", words(key), OneLine(&listed(value)));
        }
        text
    }
}

/// Returns a complete HTTP/1.1 response as text, for a request whose head is refused before the handler gets it. The
/// server closes the connection after the response.
pub(crate) fn by_hand(status: StatusCode, error: &str) -> String {
    let body = json!({ "error": error }).to_string();
    let (length, now) = (body.len(), httpdate::fmt_http_date(SystemTime::now()));
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
         cache-control: no-store\r\nx-content-type-options: nosniff\r\nconnection: close\r\ndate: {now}\r\n\r\n{body}"
    )
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        Self::new(error.status(), error.to_string())
    }
}

impl From<UnknownFormat> for Problem {
    fn from(error: UnknownFormat) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error.to_string()).help("known_formats", error.known())
    }
}

/// The error names the unknown checks or tags, and lists the known ones.
impl From<SelectionError> for Problem {
    fn from(error: SelectionError) -> Self {
        let mut problem = Self::new(StatusCode::NOT_FOUND, error.to_string());
        problem.names_checks = true;
        for (kind, unknown, known) in [
            ("checks", error.unknown_checks(), error.known_checks()),
            ("tags", error.unknown_tags(), error.known_tags()),
        ] {
            if !unknown.is_empty() {
                problem = problem
                    .help(format!("unknown_{kind}"), unknown)
                    .help(format!("known_{kind}"), known);
            }
        }
        problem
    }
}
