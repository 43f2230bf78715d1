//! Describes the endpoints that answer with a report: the health path, the probes, and the path of a single check below
//! each.

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

    /// Describes the path of a whole probe, or of one of its checks.
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

    /// Returns the status code of each verdict. Lists a code only once if several verdicts share it.
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
        // Metrics, which only the health path has, are always answered with 200.
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

    /// Returns the content types of a report, each with its schema.
    fn content(&self, kind: ProbeKind) -> Vec<(String, RefOr<Schema>)> {
        let mut content: Vec<(String, Vec<RefOr<Schema>>)> = Vec::new();
        // The application sets the content type of `Endpoints::body` as a header, so the formats don't contain it.
        let own = self.answers.content_types().map(|media| (None, media));
        for (name, media) in self.answers.formats.media(Endpoint::of(kind)).chain(own) {
            let schema = match name {
                Some("json") => Ref::from_schema_name("Report").into(),
                Some("microprofile" | "health+json") => schema::with(&["status", "checks"]),
                Some("aspnet") => schema::with(&["status", "entries"]),
                // The answer for a single check has no `components`.
                Some("spring") => schema::with(&["status"]),
                // The content of the application's own format is unknown.
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
