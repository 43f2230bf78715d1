use std::fmt;

use axum::body::Bytes;
use axum::http::HeaderValue;
use healthcheck::{CheckResult, Overall, Status};
use serde::Serialize;
use serde::ser::Serializer;

use crate::render::body::Body;
use crate::render::wording::output;
use crate::render::{Format, Page, body};

/// The JSON format of Spring Boot's actuator at `/actuator/health`.
pub(crate) struct Spring;

impl Format for Spring {
    fn content_type(&self) -> HeaderValue {
        HeaderValue::from_static("application/vnd.spring-boot.actuator.v3+json")
    }

    fn render(&self, page: &Page<'_>) -> Bytes {
        body::render(page, write)
    }
}

fn write(page: &Page<'_>, body: &mut Body) -> fmt::Result {
    let report = page.report();
    // If the path names a single check, Spring Boot sends only the object of that check, which it calls a component.
    if let (Some(_), [result]) = (page.check(), &*report.results) {
        return body.json(&Component::of(result));
    }
    let status = match report.status {
        // A `reason` means that the service refuses traffic on purpose, such as in maintenance. Spring Boot's status
        // for this is `OUT_OF_SERVICE`.
        Overall::Failure if report.reason.is_some() => "OUT_OF_SERVICE",
        Overall::Failure => "DOWN",
        Overall::Success | Overall::Degraded => "UP",
    };
    let groups: &[&str] = if page.is_probe() {
        &[]
    } else if page.checks().iter().any(|info| info.options().startup) {
        &["liveness", "readiness", "startup"]
    } else {
        &["liveness", "readiness"]
    };
    body.json(&Whole {
        status,
        components: Components(&report.results),
        groups,
    })
}

#[derive(Serialize)]
struct Whole<'a> {
    status: &'a str,
    components: Components<'a>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    groups: &'a [&'a str],
}

struct Components<'a>(&'a [CheckResult]);

impl Serialize for Components<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(
            self.0
                .iter()
                .map(|result| (&result.checker, Component::of(result))),
        )
    }
}

#[derive(Serialize)]
struct Component<'a> {
    status: &'a str,
    details: Details<'a>,
}

#[derive(Serialize)]
struct Details<'a> {
    output: std::borrow::Cow<'a, str>,
    /// Whether the check warns. Spring Boot has no status between UP and DOWN, so the component of such a check is UP.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    warning: bool,
}

impl<'a> Component<'a> {
    fn of(result: &'a CheckResult) -> Self {
        Self {
            status: if result.passed { "UP" } else { "DOWN" },
            details: Details {
                output: output(&result.output),
                warning: result.status == Status::Warn,
            },
        }
    }
}
