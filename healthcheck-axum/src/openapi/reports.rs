//! Describes, in the OpenAPI document, the endpoints that answer with a report: the health path, the paths of the
//! probes, and the paths of single checks below each of these.

use axum::http::StatusCode;
use utoipa::openapi::path::{HttpMethod, Operation, OperationBuilder, Parameter, PathItem, PathItemBuilder};
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{Ref, RefOr};

use super::{Subject, parameter, response, schema};
use crate::http::answer::Answers;
use crate::kind::ProbeKind;
use crate::paths::{CHECK, below};
use crate::render::Endpoint;

impl Subject<'_> {
    pub(super) fn reports(&self) -> Vec<(String, PathItem)> {
        let probes = [
            (ProbeKind::Health, "All checks"),
            (
                ProbeKind::Liveness,
                "The liveness probe: whether the process has to be restarted",
            ),
            (
                ProbeKind::Readiness,
                "The readiness probe: whether it may get traffic",
            ),
            (ProbeKind::Startup, "The startup probe: whether it has come up"),
        ];
        let described = probes.map(|(kind, what)| {
            let path = self.paths.of(kind);
            let check = parameter::in_path(CHECK, "The check's name");
            let one = self.report(kind, &format!("One check: {what}"), Some(check));
            [
                (path.to_owned(), self.report(kind, what, None)),
                (below(path, &format!("{{{CHECK}}}")), one),
            ]
        });
        described.into_iter().flatten().collect()
    }

    /// Describes the health path or the path of a probe. If `check` is set, describes the path of a single check below
    /// that path.
    fn report(&self, kind: ProbeKind, what: &str, check: Option<Parameter>) -> PathItem {
        let parameters: Vec<Parameter> = check.into_iter().chain(self.query(kind)).collect();
        let methods = [HttpMethod::Get, HttpMethod::Head, HttpMethod::Options];
        let described = methods.into_iter().fold(PathItemBuilder::new(), |item, method| {
            let has_body = matches!(method, HttpMethod::Get);
            item.operation(method, self.operation(kind, what, &parameters, has_body))
        });
        described.build()
    }

    fn operation(&self, kind: ProbeKind, what: &str, parameters: &[Parameter], has_body: bool) -> Operation {
        let mut operation = OperationBuilder::new()
            .summary(Some(what))
            .parameters(Some(parameters.iter().cloned()));
        for (status, when) in self.verdicts(kind) {
            let content = if has_body { self.content(kind) } else { Vec::new() };
            operation = operation.response(status.as_str(), response::answer(when, content));
        }
        for (status, when) in [
            ("400", response::BAD_QUERY),
            ("404", "An unknown check or tag, with the known ones"),
            ("508", response::LOOP),
        ] {
            operation = operation.response(status, response::problem(when, has_body));
        }
        operation.response("414", response::too_long()).build()
    }

    /// Returns the status code of each verdict with a description of the verdict. If several verdicts have the same
    /// status code, returns only the first of these verdicts.
    fn verdicts(&self, kind: ProbeKind) -> Vec<(StatusCode, &'static str)> {
        let Answers {
            success_status,
            degraded_status,
            failed_status,
            ..
        } = self.answers;
        let success = success_status.unwrap_or(StatusCode::OK);
        let mut verdicts = vec![(success, "It passes, perhaps with warnings")];
        let failed = failed_status.unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
        let degraded = degraded_status.filter(|_| kind == ProbeKind::Health);
        // Only the health path has metrics. An answer with metrics always has the status code 200.
        let metrics = (kind == ProbeKind::Health).then_some(StatusCode::OK);
        for (status, when) in [
            (Some(failed), "It fails"),
            (
                degraded,
                "Something warns, or something that isn't critical fails",
            ),
            (metrics, "Metrics, whatever they say"),
        ] {
            if let Some(status) = status.filter(|status| verdicts.iter().all(|(known, _)| known != status)) {
                verdicts.push((status, when));
            }
        }
        verdicts
    }

    fn query(&self, kind: ProbeKind) -> [Parameter; 5] {
        [
            parameter::names("check", "Only these checks and those of the tags"),
            parameter::names(
                "tag",
                "Only the checks with one of these tags, and those that are named",
            ),
            parameter::names("exclude", "Without these checks"),
            parameter::format(self.answers.formats.names(Endpoint::of(kind))),
            parameter::in_query("verbose", "As text, a line a check; off by `false` and `0`")
                .schema(Some(parameter::text()))
                .build(),
        ]
    }

    /// Returns the content types that a report can have, each with the schema of the body.
    fn content(&self, kind: ProbeKind) -> Vec<(String, RefOr<Schema>)> {
        let mut content: Vec<(String, Vec<RefOr<Schema>>)> = Vec::new();
        // An application that uses `Endpoints::body` sets the content type as a header. `formats` doesn't contain that
        // content type, so this line adds it.
        let own = self.answers.content_types().map(|media| (None, media));
        for (name, media) in self.answers.formats.media(Endpoint::of(kind)).chain(own) {
            let schema = match name {
                Some("json") => Ref::from_schema_name("Report").into(),
                Some("microprofile" | "health+json") => schema::with(&["status", "checks"]),
                Some("aspnet") => schema::with(&["status", "entries"]),
                // Spring's answer for a single check has no `components`, so the schema requires only `status`.
                Some("spring") => schema::with(&["status"]),
                // This is a JSON format of the application, so we don't know the fields of its body.
                _ if media.ends_with("json") => schema::anything(),
                _ => schema::string(),
            };
            match content.iter_mut().find(|(known, _)| *known == media) {
                Some((_, schemas)) => schemas.push(schema),
                None => content.push((media, vec![schema])),
            }
        }
        let content = content
            .into_iter()
            .map(|(media, schemas)| (media, schema::any_of(schemas)));
        content.collect()
    }
}
