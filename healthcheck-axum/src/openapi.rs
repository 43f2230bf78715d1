//! The OpenAPI 3.1 document of the endpoints as they are configured, with schemas out of the types that are sent.

use axum::body::Bytes;
use axum::http::StatusCode;
use healthcheck::{Report, Transition};
use utoipa::ToSchema;
use utoipa::openapi::path::{
    HttpMethod, OperationBuilder, Parameter, ParameterBuilder, ParameterIn, PathItemBuilder,
};
use utoipa::openapi::schema::{
    AdditionalProperties, AnyOfBuilder, ArrayBuilder, ObjectBuilder, Schema, SchemaType, Type,
};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, OpenApiBuilder, PathsBuilder, Ref, RefOr, Required,
    Response, ResponseBuilder, ServerBuilder,
};

use crate::answer::Answers;
use crate::paths::{CHECK, Paths, SECTION, below};
use crate::probe::Kind;

/// The name of the document below the health path; no check can be called so.
pub(crate) const DOCUMENT: &str = "openapi.json";

/// What there is to describe.
pub(crate) struct Subject<'a> {
    pub(crate) paths: &'a Paths,
    pub(crate) answers: &'a Answers,
    pub(crate) with_environment: bool,
    pub(crate) release: Option<&'a str>,
}

/// What an answer says that is no report.
#[derive(ToSchema)]
#[allow(dead_code)] // Described only; it is written where the problem is.
struct Problem {
    /// What was wrong with the question, or what keeps this caller out.
    error: String,
}

pub(crate) fn document(subject: &Subject<'_>) -> Bytes {
    let Subject {
        paths,
        with_environment,
        release,
        ..
    } = subject;
    let mut schemas = vec![schema::<Report>(), schema::<Transition>(), schema::<Problem>()];
    Report::schemas(&mut schemas);
    Transition::schemas(&mut schemas);
    let mut described = PathsBuilder::new();
    for (kind, what) in [
        (Kind::Health, "All checks"),
        (
            Kind::Liveness,
            "The liveness probe: whether the process has to be restarted",
        ),
        (Kind::Readiness, "The readiness probe: whether it may get traffic"),
        (Kind::Startup, "The startup probe: whether it has come up"),
    ] {
        let path = paths.of(kind);
        described = described.path(path, subject.report(kind, what, None));
        let check = Parameter::builder()
            .name(CHECK)
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .description(Some("The check's name"))
            .schema(Some(text().min_length(Some(1))));
        let one = format!("One check: {what}");
        described = described.path(
            below(path, &format!("{{{CHECK}}}")),
            subject.report(kind, &one, Some(check.build())),
        );
    }
    let history = ArrayBuilder::new().items(Ref::from_schema_name("Transition"));
    described = described.path(
        below(&paths.health, "history"),
        page(
            "The last transitions of each check and of the whole",
            history.build().into(),
            &[],
            None,
        ),
    );
    if *with_environment {
        let sections = ObjectBuilder::new().additional_properties(Some(AdditionalProperties::FreeForm(true)));
        described = described.path(
            paths.environment.as_str(),
            page(
                "The environment of the process",
                sections.build().into(),
                &["text/html"],
                None,
            ),
        );
        let section = Parameter::builder()
            .name(SECTION)
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .description(Some("The section's name"))
            .schema(Some(text().min_length(Some(1))));
        described = described.path(
            below(&paths.environment, &format!("{{{SECTION}}}")),
            page(
                "One section of the environment",
                anything(),
                &[],
                Some(section.build()),
            ),
        );
    }
    let document = OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Health")
                .description(Some("How this service is, for machines and people."))
                .version(release.unwrap_or("unknown")),
        )
        // Under `nest` nobody knows what stands before the paths; where this document lies tells.
        .servers(Some([ServerBuilder::new().url(subject.root()).build()]))
        .paths(described)
        .components(Some(ComponentsBuilder::new().schemas_from_iter(schemas).build()))
        .build();
    serde_json::to_vec(&document).map(Bytes::from).unwrap_or_default()
}

fn schema<T: ToSchema>() -> (String, RefOr<Schema>) {
    (T::name().into_owned(), T::schema())
}

impl Subject<'_> {
    /// From the document to where the paths begin.
    fn root(&self) -> String {
        let up = self.paths.health.trim_matches('/').matches('/').count() + 1;
        vec![".."; up].join("/")
    }

    /// A whole probe or one check of it.
    fn report(&self, kind: Kind, what: &str, check: Option<Parameter>) -> utoipa::openapi::PathItem {
        let operation = |method: &HttpMethod| {
            let has_body = matches!(method, HttpMethod::Get);
            let parameters = check.iter().cloned().chain(self.query(kind));
            let mut operation = OperationBuilder::new()
                .summary(Some(what))
                .parameters(Some(parameters));
            for (status, when) in self.verdicts(kind) {
                let content = if has_body { self.content(kind) } else { Vec::new() };
                operation = operation.response(status.as_str(), answer(when, content));
            }
            for (status, when) in [
                ("400", "The query can't be read, or asks for an unknown format"),
                ("404", "An unknown check or tag, with the known ones"),
                ("508", "The request was caused by this very service"),
            ] {
                operation = operation.response(status, problem(when, has_body));
            }
            operation.response("414", too_long()).build()
        };
        let methods = [HttpMethod::Get, HttpMethod::Head, HttpMethod::Options];
        methods
            .into_iter()
            .fold(PathItemBuilder::new(), |item, method| {
                let described = operation(&method);
                item.operation(method, described)
            })
            .build()
    }

    /// Each status that a verdict leads to, once.
    fn verdicts(&self, kind: Kind) -> Vec<(StatusCode, &'static str)> {
        let Answers {
            success_status,
            degraded_status,
            failed_status,
            ..
        } = self.answers;
        let success = success_status.unwrap_or(StatusCode::OK);
        let mut verdicts = vec![(success, "It passes, perhaps with warnings")];
        let failed = failed_status.unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
        let degraded = degraded_status.filter(|_| kind == Kind::Health);
        // Metrics are always answered so.
        let metrics = (kind == Kind::Health).then_some(StatusCode::OK);
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

    fn query(&self, kind: Kind) -> Vec<Parameter> {
        let list = |parameter: &str, what: &str| {
            let names = ArrayBuilder::new().items(text());
            query(parameter, what)
                .schema(Some(names))
                .explode(Some(true))
                .build()
        };
        let formats: Vec<String> = self
            .answers
            .formats
            .names(kind.place())
            .map(str::to_owned)
            .collect();
        let formats = ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(formats));
        vec![
            list("check", "Only these checks and those of the tags"),
            list(
                "tag",
                "Only the checks with one of these tags, and those that are named",
            ),
            list("exclude", "Without these checks"),
            query("format", "The form of the answer; without it, `Accept` says")
                .schema(Some(formats))
                .build(),
            query("verbose", "As text, a line a check; off by `false` and `0`")
                .schema(Some(text()))
                .build(),
        ]
    }

    /// The content types of a report, and what stands in each.
    fn content(&self, kind: Kind) -> Vec<(String, RefOr<Schema>)> {
        let mut content: Vec<(String, Vec<RefOr<Schema>>)> = Vec::new();
        for (name, media) in self.answers.formats.media(kind.place()) {
            let schema = match name {
                "json" => Ref::from_schema_name("Report").into(),
                "microprofile" => with("status", "checks"),
                "aspnet" => with("status", "entries"),
                "health+json" => with("status", "checks"),
                // One check by itself has no components.
                "spring" => with("status", "status"),
                _ if media.ends_with("json") => anything(),
                _ => ObjectBuilder::new().schema_type(Type::String).build().into(),
            };
            match content.iter_mut().find(|(known, _)| *known == media) {
                Some((_, schemas)) => schemas.push(schema),
                None => content.push((media, vec![schema])),
            }
        }
        let content = content
            .into_iter()
            .map(|(media, schemas)| (media, any_of(schemas)));
        content.collect()
    }
}

/// A page of the service's own affairs.
fn page(
    what: &str,
    schema: RefOr<Schema>,
    others: &[&str],
    parameter: Option<Parameter>,
) -> utoipa::openapi::PathItem {
    let operation = |method: &HttpMethod| {
        let has_body = matches!(method, HttpMethod::Get);
        let mut content = vec![("application/json".to_owned(), schema.clone())];
        let page = || ObjectBuilder::new().schema_type(Type::String).build().into();
        content.extend(others.iter().map(|media| ((*media).to_owned(), page())));
        let mut operation = OperationBuilder::new().summary(Some(what));
        if !others.is_empty() {
            let formats = ObjectBuilder::new()
                .schema_type(Type::String)
                .enum_values(Some(["json", "html"]));
            let format =
                query("format", "The form of the answer; without it, `Accept` says").schema(Some(formats));
            operation = operation.parameter(format);
        }
        if let Some(parameter) = &parameter {
            operation = operation.parameter(parameter.clone());
        }
        let content = if has_body { content } else { Vec::new() };
        operation = operation.response("200", answer("As far as this caller may see it", content));
        for (status, when) in [
            ("400", "The query can't be read, or asks for an unknown format"),
            ("401", "A bearer token is asked for"),
            ("403", "Not for this caller; the answer says how to allow it"),
            ("404", "There is no such thing, and these there are"),
            ("508", "The request was caused by this very service"),
        ] {
            operation = operation.response(status, problem(when, has_body));
        }
        operation.response("414", too_long()).build()
    };
    let (get, head) = (operation(&HttpMethod::Get), operation(&HttpMethod::Head));
    PathItemBuilder::new()
        .operation(HttpMethod::Get, get)
        .operation(HttpMethod::Head, head)
        .build()
}

fn answer(when: &str, content: Vec<(String, RefOr<Schema>)>) -> Response {
    let described = ResponseBuilder::new().description(when);
    content
        .into_iter()
        .fold(described, |described, (media, schema)| {
            described.content(media, ContentBuilder::new().schema(Some(schema)).build())
        })
        .build()
}

fn problem(when: &str, has_body: bool) -> Response {
    let content = (
        "application/json".to_owned(),
        Ref::from_schema_name("Problem").into(),
    );
    answer(when, if has_body { vec![content] } else { Vec::new() })
}

/// Beyond 64 KiB the HTTP library refuses by itself, and says nothing.
fn too_long() -> Response {
    answer("The query is longer than 32 KiB", Vec::new())
}

fn query(name: &str, what: &str) -> ParameterBuilder {
    Parameter::builder()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(what))
}

/// Text as it may be asked for: without control characters, which no name holds.
fn text() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(r"^[^\u0000-\u001f\u007f-\u009f]*$"))
}

/// An object with at least these two.
fn with(one: &str, other: &str) -> RefOr<Schema> {
    let fields = [one, other];
    let object = fields.into_iter().fold(ObjectBuilder::new(), |object, field| {
        object.property(field, anything()).required(field)
    });
    object.build().into()
}

fn anything() -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(SchemaType::AnyValue)
        .build()
        .into()
}

fn any_of(mut schemas: Vec<RefOr<Schema>>) -> RefOr<Schema> {
    match (schemas.pop(), schemas.is_empty()) {
        (Some(only), true) => only,
        (last, _) => {
            let all = schemas.into_iter().chain(last);
            Schema::from(all.fold(AnyOfBuilder::new(), AnyOfBuilder::item)).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use serde_json::{Value, json};

    use super::*;
    use crate::format::{Format, Page};

    struct Mine;

    impl Format for Mine {
        fn content_type(&self) -> HeaderValue {
            HeaderValue::from_static("text/x-mine; charset=utf-8")
        }

        fn render(&self, _: &Page<'_>) -> Bytes {
            Bytes::new()
        }
    }

    fn described(paths: &Paths, answers: &Answers) -> Value {
        let subject = Subject {
            paths,
            answers,
            with_environment: true,
            release: Some("1.2.3"),
        };
        serde_json::from_slice(&document(&subject)).unwrap()
    }

    /// Every `$ref` in a document.
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str));
                fields.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }

    #[test]
    fn every_endpoint_is_described_and_every_schema_is_there() {
        let document = described(&Paths::default(), &Answers::default());
        assert_eq!(document["openapi"], "3.1.0");
        assert_eq!(document["info"]["version"], "1.2.3");
        let paths: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
        assert_eq!(
            paths,
            [
                "/environment",
                "/environment/{section}",
                "/healthcheck",
                "/healthcheck/history",
                "/healthcheck/{check}",
                "/livez",
                "/livez/{check}",
                "/readyz",
                "/readyz/{check}",
                "/startupz",
                "/startupz/{check}",
            ]
        );
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.contains(&"#/components/schemas/CheckResult"));
        for reference in found {
            let pointer = reference.trim_start_matches('#');
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }

    #[test]
    fn the_report_is_described_as_it_is_sent() {
        let document = described(&Paths::default(), &Answers::default());
        let report = &document["components"]["schemas"]["Report"];
        let schema = report.to_string();
        for field in ["hostname", "status", "timestamp", "results"] {
            assert!(schema.contains(&format!("\"{field}\"")), "{schema}");
        }
        let overall = &document["components"]["schemas"]["Overall"]["enum"];
        assert_eq!(*overall, json!(["success", "degraded", "failure"]));
    }

    #[test]
    fn statuses_forms_and_paths_are_those_of_the_configuration() {
        let paths = Paths {
            health: "/status/health".to_owned(),
            ..Paths::default()
        };
        let mut answers = Answers {
            degraded_status: Some(StatusCode::TOO_MANY_REQUESTS),
            failed_status: Some(StatusCode::INTERNAL_SERVER_ERROR),
            ..Answers::default()
        };
        answers.formats.insert("mine".to_owned(), Mine);
        let document = described(&paths, &answers);
        assert_eq!(document["servers"][0]["url"], "../..");
        let health = &document["paths"]["/status/health"]["get"];
        for status in ["200", "429", "500"] {
            assert!(health["responses"][status].is_object(), "{status}");
        }
        assert!(health["responses"]["503"].is_null());
        assert!(document["paths"]["/readyz"]["get"]["responses"]["429"].is_null());
        let content = &health["responses"]["200"]["content"];
        assert!(content["text/x-mine"].is_object() && content["application/openmetrics-text"].is_object());
        let probe = &document["paths"]["/readyz"]["get"]["responses"]["200"]["content"];
        assert!(probe["application/openmetrics-text"].is_null());
    }
}
