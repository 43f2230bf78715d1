//! Builds the OpenAPI 3.1 document that describes the configured endpoints. The schemas of reports and transitions are
//! derived from the Rust types that the endpoints serialize.

mod pages;
mod parameter;
mod reports;
mod response;
mod schema;
#[cfg(test)]
mod tests;

use axum::body::Bytes;
use healthcheck::{Report, Transition};
use utoipa::ToSchema;
use utoipa::openapi::{
    ComponentsBuilder, InfoBuilder, OpenApiBuilder, Paths as Described, PathsBuilder, ServerBuilder,
};

use crate::http::answer::Answers;
use crate::paths::Paths;

/// The configuration of the endpoints, which the OpenAPI document describes.
pub(crate) struct Subject<'a> {
    pub(crate) paths: &'a Paths,
    pub(crate) answers: &'a Answers,
    pub(crate) with_environment: bool,
    pub(crate) version: Option<&'a str>,
}

/// Returns the OpenAPI document as JSON.
pub(crate) fn document(subject: &Subject<'_>) -> Bytes {
    let mut schemas = vec![
        schema::of::<Report>(),
        schema::of::<Transition>(),
        schema::of::<response::Problem>(),
    ];
    Report::schemas(&mut schemas);
    Transition::schemas(&mut schemas);
    let document = OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Health")
                .description(Some("How this service is, for machines and people."))
                .version(subject.version.unwrap_or("unknown")),
        )
        // If the router is nested, we don't know the prefix of its paths. So the document contains the server's address
        // as a path relative to the path of the document.
        .servers(Some([ServerBuilder::new().url(subject.root()).build()]))
        .paths(subject.described())
        .components(Some(ComponentsBuilder::new().schemas_from_iter(schemas).build()))
        .build();
    serde_json::to_vec(&document).map(Bytes::from).unwrap_or_default()
}

impl Subject<'_> {
    /// Returns the relative path from the OpenAPI document to the root of the endpoints, such as `..` for
    /// `/healthcheck/openapi.json`.
    fn root(&self) -> String {
        let segments = self.paths.health.split('/').filter(|segment| !segment.is_empty());
        let up: Vec<_> = segments.map(|_| "..").collect();
        if up.is_empty() {
            ".".to_owned()
        } else {
            up.join("/")
        }
    }

    fn described(&self) -> Described {
        let all = self.reports().into_iter().chain(self.pages());
        let described = all.fold(PathsBuilder::new(), |paths, (path, item)| paths.path(path, item));
        described.build()
    }
}
