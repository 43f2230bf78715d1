//! Describes the responses of the endpoints in the OpenAPI document.

use utoipa::ToSchema;
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

use super::schema;

pub(super) const BAD_QUERY: &str = "The query can't be read, or asks for an unknown format";
pub(super) const LOOP: &str = "The request was caused by this very service";

/// The JSON body of an error response. Besides `error`, the body can have fields that help to fix the request, such as
/// `known_checks`.
#[derive(ToSchema)]
#[allow(dead_code)] // Only its schema is used. `http::problem` writes the JSON itself.
pub(super) struct Problem {
    /// The problem with the request, or the reason why the client may not read the page.
    error: String,
}

/// Describes a response. `when` is the case in which the endpoint sends the response. `content` has the content types,
/// each with its schema.
pub(super) fn answer(when: &str, content: Vec<(String, RefOr<Schema>)>) -> Response {
    let described = ResponseBuilder::new().description(when);
    let described = content.into_iter().fold(described, |described, (media, schema)| {
        described.content(media, ContentBuilder::new().schema(Some(schema)).build())
    });
    described.build()
}

/// Describes an error response. `when` is the case in which the endpoint sends the response. `has_body` is false for
/// `HEAD` and `OPTIONS`.
pub(super) fn problem(when: &str, has_body: bool) -> Response {
    let content = [
        ("application/json", Ref::from_schema_name("Problem").into()),
        ("text/plain", schema::string()),
        ("text/html", schema::string()),
    ];
    let content = content.map(|(media, schema)| (media.to_owned(), schema));
    answer(when, content.into_iter().filter(|_| has_body).collect())
}

/// Describes the response to a query that is too long.
///
/// The description contains no body, because some of these responses have none: hyper itself refuses a request line
/// beyond 64 KiB, and sends no body.
pub(super) fn too_long() -> Response {
    answer("The query is longer than 32 KiB", Vec::new())
}
