//! Answers that say what was wrong with the request, in the form that it accepts: JSON, `{"error": …}` and what helps,
//! text, or a page.

use std::fmt::Write as _;
use std::time::SystemTime;

use axum::body::Bytes;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use healthcheck::SelectionError;
use healthcheck::upstream_loops::Loop;
use serde_json::{Map, Value, json};

use crate::access::Refusal;
use crate::answer;
use crate::format::{Endpoint, Form, FormatRequest, Formats, OneLine, UnknownFormat, html, listed, words};
use crate::paths::Paths;
use crate::query::QueryError;

/// What was wrong, and what helps.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    error: String,
    /// What helps: texts and lists of texts.
    help: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// Whether the server is ours alone, so that a page may lead to our paths.
    on_our_server: bool,
    /// Whether it tells the names of checks and tags.
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

    /// A method that the path doesn't answer.
    pub(crate) fn method_not_allowed(allowed: HeaderValue) -> Self {
        let methods = allowed.to_str().unwrap_or_default();
        let error = format!("this path answers {methods}");
        let mut problem = Self::new(StatusCode::METHOD_NOT_ALLOWED, error);
        problem.headers.push((header::ALLOW, allowed));
        problem
    }

    /// A caller who isn't let in, by any of the rules that could have.
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

    /// A path of a whole server at which there is nothing.
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

    /// A request that an upstream check of this very service has caused.
    pub(crate) fn asked_by_itself(refused: Loop) -> Self {
        Self::new(StatusCode::LOOP_DETECTED, refused.to_string())
    }

    /// A path whose last segment isn't text.
    pub(crate) fn bad_path() -> Self {
        let error = "the path isn't UTF-8 once it is decoded";
        Self::new(StatusCode::BAD_REQUEST, error)
    }

    /// One check was asked for by its path, and the query chooses others.
    pub(crate) fn not_chosen(check: &str) -> Self {
        let error = format!(
            "the path asks for the check `{check}` alone, and the query for others; ask for one of the two"
        );
        Self::new(StatusCode::NOT_FOUND, error).help("known_checks", vec![check])
    }

    /// A section that doesn't exist, with the ones that do.
    pub(crate) fn unknown_section(section: &str, known: impl Iterator<Item = String>) -> Self {
        let known: Vec<String> = known.collect();
        let error = format!(
            "unknown section `{section}`; the sections are: {}",
            known.join(", ")
        );
        Self::new(StatusCode::NOT_FOUND, error).help("known_sections", known)
    }

    /// No route leads here where there is no page.
    pub(crate) fn no_environment() -> Self {
        Self::new(StatusCode::NOT_FOUND, "no environment page is served")
    }

    /// HTTP/1.1 without a `Host`, or any version with two of them or an invalid one.
    pub(crate) fn bad_host() -> Self {
        let error = "the request has to name one `Host`, and this one has none, several or an invalid one";
        Self::new(StatusCode::BAD_REQUEST, error)
    }

    /// For a caller who may not know which checks there are.
    pub(crate) fn without_names(self) -> Self {
        if self.names_checks {
            return Self::new(self.status, "unknown check or tag");
        }
        self
    }

    /// The answer, in the form that the request accepts.
    ///
    /// `ours` is what a page may lead to where the server is ours alone: the paths, and whether one is an environment's.
    pub(crate) fn response(self, formats: &Formats, ours: Option<(&Paths, bool)>, head: &Parts) -> Response {
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
            // Writing to a string doesn't fail.
            let _ = writeln!(text, "{}: {}", words(key), OneLine(&listed(value)));
        }
        text
    }
}

/// The answer to a request of which hyper takes no further notice: written by hand, and the last of its connection.
pub(crate) fn by_hand(status: StatusCode, error: &str) -> String {
    let body = json!({ "error": error }).to_string();
    let (length, now) = (body.len(), httpdate::fmt_http_date(SystemTime::now()));
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
         cache-control: no-store\r\nx-content-type-options: nosniff\r\nconnection: close\r\ndate: {now}\r\n\r\n{body}"
    )
}

/// A query that can't be read.
impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        Self::new(error.status(), error.to_string())
    }
}

/// A `?format=` that isn't to be had, with those that are.
impl From<UnknownFormat> for Problem {
    fn from(error: UnknownFormat) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error.to_string()).help("known_formats", error.known())
    }
}

/// Checks or tags that don't exist, with the ones that do.
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
