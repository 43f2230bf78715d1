use std::borrow::Cow;
use std::fmt;

use axum::body::Bytes;
use axum::http::HeaderValue;
use healthcheck::{CheckResult, Overall, Status};
use serde::Serialize;
use serde::ser::Serializer;

use crate::render::body::Body;
use crate::render::form::JSON;
use crate::render::wording::output;
use crate::render::{Format, Page, body};

/// The JSON format of MicroProfile Health. This format has only the states UP and DOWN. A check that warns is UP.
pub(crate) struct MicroProfile;

impl Format for MicroProfile {
    fn content_type(&self) -> HeaderValue {
        JSON
    }

    fn render(&self, page: &Page<'_>) -> Bytes {
        body::render(page, write)
    }
}

fn write(page: &Page<'_>, body: &mut Body) -> fmt::Result {
    let report = page.report();
    body.json(&Whole {
        status: up(report.status != Overall::Failure),
        checks: Checks(&report.results),
    })
}

const fn up(passed: bool) -> &'static str {
    if passed { "UP" } else { "DOWN" }
}

#[derive(Serialize)]
struct Whole<'a> {
    status: &'a str,
    checks: Checks<'a>,
}

struct Checks<'a>(&'a [CheckResult]);

impl Serialize for Checks<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(Check::of))
    }
}

#[derive(Serialize)]
struct Check<'a> {
    name: &'a str,
    status: &'a str,
    #[serde(skip_serializing_if = "Data::is_empty")]
    data: Data<'a>,
}

/// The field `data` of a check. MicroProfile Health allows only strings, numbers and booleans as values in this field.
#[derive(Serialize)]
struct Data<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    output: Cow<'a, str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    warning: bool,
}

impl Data<'_> {
    fn is_empty(&self) -> bool {
        self.output.is_empty() && !self.warning
    }
}

impl<'a> Check<'a> {
    fn of(result: &'a CheckResult) -> Self {
        Self {
            name: &result.checker,
            status: up(result.passed),
            data: Data {
                output: output(&result.output),
                warning: result.status == Status::Warn,
            },
        }
    }
}
