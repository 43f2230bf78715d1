use std::fmt;

use axum::body::Bytes;
use axum::http::HeaderValue;
use healthcheck::{CheckResult, Report, Status};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::body::Body;
use super::wording::{self, output};
use super::{Format, Page, body};

/// The format `health+json`, as the IETF draft `draft-inadarei-api-health-check-06` describes it.
pub(super) struct HealthJson;

impl Format for HealthJson {
    fn content_type(&self) -> HeaderValue {
        HeaderValue::from_static("application/health+json")
    }

    fn render(&self, page: &Page<'_>) -> Bytes {
        body::render(page, write)
    }
}

fn write(page: &Page<'_>, body: &mut Body) -> fmt::Result {
    let report = page.report();
    let status = report.status.as_status();
    let whole = Whole {
        status: status.as_str(),
        release_id: page.version(),
        notes: &report.warnings,
        output: report.reason.as_deref().filter(|_| status != Status::Pass),
        checks: Checks { page, report },
    };
    body.json(&whole)
}

#[derive(serde::Serialize)]
struct Whole<'a> {
    status: &'a str,
    #[serde(rename = "releaseId", skip_serializing_if = "Option::is_none")]
    release_id: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    notes: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<&'a str>,
    checks: Checks<'a>,
}

struct Checks<'a> {
    page: &'a Page<'a>,
    report: &'a Report,
}

impl Serialize for Checks<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.report.results.len()))?;
        for result in &self.report.results {
            // In the draft, a key is the name of a component, a colon and the name of a measurement. So we escape each
            // colon in the name of a check.
            let key = format!("{}:responseTime", result.checker.replace(':', "%3A"));
            map.serialize_entry(&key, &[Component::of(self.page, result)])?;
        }
        map.end()
    }
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Component<'a> {
    component_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    component_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    observed_value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    observed_unit: Option<&'a str>,
    status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<String>,
    /// The draft's field `links`. It contains the link to the check's runbook as `help`, which is a registered link
    /// relation.
    #[serde(skip_serializing_if = "Option::is_none")]
    links: Option<Links<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    when_it_fails: Option<&'a str>,
}

#[derive(serde::Serialize)]
struct Links<'a> {
    help: &'a str,
}

impl<'a> Component<'a> {
    fn of(page: &'a Page<'_>, result: &'a CheckResult) -> Self {
        let tags = page.info(&result.checker).map(|info| &*info.options().tags);
        let is_type = |tag: &&str| ["component", "datastore", "system"].contains(tag);
        Self {
            component_id: &result.checker,
            // The draft has three component types. The first of a check's tags that is one of these types becomes the
            // type of the check.
            component_type: tags.and_then(|tags| tags.iter().map(|tag| &**tag).find(is_type)),
            observed_value: result.response_time,
            observed_unit: result.response_time.map(|_| "s"),
            status: result.status.as_str(),
            time: result.timestamp.and_then(wording::rfc3339),
            output: (result.status != Status::Pass).then(|| output(&result.output).into_owned()),
            links: result.runbook.as_deref().map(|help| Links { help }),
            owner: result.owner.as_deref(),
            when_it_fails: result.when_it_fails.as_deref(),
        }
    }
}
