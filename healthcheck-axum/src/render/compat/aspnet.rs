use std::borrow::Cow;
use std::fmt;

use axum::body::Bytes;
use axum::http::HeaderValue;
use healthcheck::{CheckResult, Overall, Status};
use serde::Serialize;
use serde::ser::Serializer;

use crate::render::body::Body;
use crate::render::form::JSON;
use crate::render::wording::{output, time_span};
use crate::render::{Format, Page, body};

/// The JSON format of ASP.NET Core's health checks, which the dashboard "HealthChecks UI" reads.
pub(crate) struct AspNet;

impl Format for AspNet {
    fn content_type(&self) -> HeaderValue {
        JSON
    }

    fn render(&self, page: &Page<'_>) -> Bytes {
        body::render(page, write)
    }
}

fn write(page: &Page<'_>, body: &mut Body) -> fmt::Result {
    let report = page.report();
    // The checks run concurrently, so the total duration is that of the slowest check.
    let times = report.results.iter().filter_map(|result| result.response_time);
    let status = match report.status {
        Overall::Success => Status::Pass,
        Overall::Degraded => Status::Warn,
        Overall::Failure => Status::Fail,
    };
    body.json(&Whole {
        status: word(status),
        total_duration: time_span(times.fold(0.0, f64::max)),
        entries: Entries(page),
    })
}

const fn word(status: Status) -> &'static str {
    match status {
        Status::Pass => "Healthy",
        Status::Warn => "Degraded",
        Status::Fail => "Unhealthy",
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Whole<'a> {
    status: &'a str,
    total_duration: String,
    entries: Entries<'a>,
}

struct Entries<'a>(&'a Page<'a>);

impl Serialize for Entries<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let results = self.0.report().results.iter();
        serializer.collect_map(results.map(|result| (&result.checker, Entry::of(self.0, result))))
    }
}

#[derive(Serialize)]
struct Entry<'a> {
    /// Always an empty object: `description` already contains the check's whole output.
    data: Nothing,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: Cow<'a, str>,
    duration: String,
    status: &'a str,
    tags: &'a [Cow<'static, str>],
}

#[derive(Serialize)]
struct Nothing {}

impl<'a> Entry<'a> {
    fn of(page: &'a Page<'_>, result: &'a CheckResult) -> Self {
        Self {
            data: Nothing {},
            description: output(&result.output),
            duration: time_span(result.response_time.unwrap_or_default()),
            status: word(result.status),
            tags: page
                .info(&result.checker)
                .map_or(&[], |info| &info.options().tags),
        }
    }
}
