//! Describes, in the OpenAPI document, the endpoints whose answer isn't a report: the history, the environment, and the
//! OpenAPI document itself.

use utoipa::openapi::path::{
    HttpMethod, Operation, OperationBuilder, Parameter, ParameterBuilder, PathItem, PathItemBuilder,
};
use utoipa::openapi::schema::{ArrayBuilder, Schema};
use utoipa::openapi::{Ref, RefOr};

use super::{Subject, parameter, response, schema};
use crate::paths::{DOCUMENT, HISTORY, SECTION, below};

/// The description of an endpoint whose answer isn't a report.
struct Page {
    what: &'static str,
    schema: RefOr<Schema>,
    /// Whether the endpoint also answers with an HTML page, besides JSON.
    for_people: bool,
    parameter: Option<Parameter>,
    problems: Vec<(&'static str, &'static str)>,
}

/// The error status codes that the environment page, its sections and the history have in common. A request without
/// permission gets 401 or 403. A request that an upstream check of this service has caused gets 508.
const GUARDED: [(&str, &str); 3] = [
    ("401", "Credentials are asked for"),
    ("403", "Not for this caller; the answer says how to allow it"),
    ("508", response::LOOP),
];

impl Subject<'_> {
    pub(super) fn pages(&self) -> Vec<(String, PathItem)> {
        let transitions = ArrayBuilder::new().items(Ref::from_schema_name("Transition"));
        let history = Page {
            what: "The last transitions of each check and of the whole",
            schema: transitions.build().into(),
            for_people: true,
            parameter: None,
            problems: guarded("400", response::BAD_QUERY),
        };
        let document = Page {
            what: "This document",
            schema: schema::with(&["openapi", "paths"]),
            for_people: false,
            parameter: None,
            problems: Vec::new(),
        };
        let mut pages = vec![
            (below(&self.paths.health, HISTORY), history.described()),
            (below(&self.paths.health, DOCUMENT), document.described()),
        ];
        if self.with_environment {
            let (whole, section) = environment();
            let path = &self.paths.environment;
            pages.push((path.clone(), whole.described()));
            pages.push((below(path, &format!("{{{SECTION}}}")), section.described()));
        }
        pages
    }
}

fn guarded(status: &'static str, when: &'static str) -> Vec<(&'static str, &'static str)> {
    [(status, when)].into_iter().chain(GUARDED).collect()
}

/// Describes the endpoint of the environment page, and the endpoint of a single section of that page.
fn environment() -> (Page, Page) {
    let whole = Page {
        what: "The environment of the process",
        schema: schema::any_object(),
        for_people: true,
        parameter: None,
        problems: guarded("400", response::BAD_QUERY),
    };
    let mut section = Page {
        what: "One section of the environment",
        schema: schema::anything(),
        for_people: false,
        parameter: Some(parameter::in_path(SECTION, "The section's name")),
        problems: guarded("404", "There is no such section, and these there are"),
    };
    section
        .problems
        .push(("400", "The path isn't UTF-8 once it is decoded"));
    (whole, section)
}

impl Page {
    fn described(&self) -> PathItem {
        PathItemBuilder::new()
            .operation(HttpMethod::Get, self.operation(true))
            .operation(HttpMethod::Head, self.operation(false))
            .build()
    }

    fn operation(&self, has_body: bool) -> Operation {
        let mut content = Vec::new();
        if has_body {
            content.push(("application/json".to_owned(), self.schema.clone()));
        }
        let mut operation = OperationBuilder::new().summary(Some(self.what));
        if self.for_people {
            operation = operation.parameter(parameter::format(["json", "html"].into_iter()));
            if has_body {
                content.push(("text/html".to_owned(), schema::string()));
            }
        }
        if let Some(parameter) = &self.parameter {
            operation = operation.parameter(ParameterBuilder::from(parameter.clone()));
        }
        operation = operation.response(
            "200",
            response::answer("As far as this caller may see it", content),
        );
        for (status, when) in &self.problems {
            operation = operation.response(*status, response::problem(when, has_body));
        }
        operation.response("414", response::too_long()).build()
    }
}
