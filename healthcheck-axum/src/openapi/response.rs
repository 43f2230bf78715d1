//! What an answer may be.

use utoipa::ToSchema;
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

use super::schema;

pub(super) const BAD_QUERY: &str = "The query can't be read, or asks for an unknown format";
pub(super) const LOOP: &str = "The request was caused by this very service";

/// What an answer says that is no report.
#[derive(ToSchema)]
#[allow(dead_code)] // Described only; it is written where the problem is.
pub(super) struct Problem {
    /// What was wrong with the question, or what keeps this caller out.
    error: String,
}

/// An answer with one of these bodies.
pub(super) fn answer(when: &str, content: Vec<(String, RefOr<Schema>)>) -> Response {
    let described = ResponseBuilder::new().description(when);
    let described = content.into_iter().fold(described, |described, (media, schema)| {
        described.content(media, ContentBuilder::new().schema(Some(schema)).build())
    });
    described.build()
}

/// An answer that says what was wrong.
pub(super) fn problem(when: &str, has_body: bool) -> Response {
    let content = [
        ("application/json", Ref::from_schema_name("Problem").into()),
        ("text/plain", schema::string()),
        ("text/html", schema::string()),
    ];
    let content = content.map(|(media, schema)| (media.to_owned(), schema));
    answer(when, content.into_iter().filter(|_| has_body).collect())
}

/// Beyond 64 KiB the HTTP library refuses by itself, and says nothing.
pub(super) fn too_long() -> Response {
    answer("The query is longer than 32 KiB", Vec::new())
}
