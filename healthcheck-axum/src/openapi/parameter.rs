//! Describes the parameters of requests in the OpenAPI document.

use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Type};

/// Describes a parameter that is a segment of the path.
pub(super) fn in_path(name: &str, what: &str) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(what))
        .schema(Some(text().min_length(Some(1))))
        .build()
}

pub(super) fn in_query(name: &str, what: &str) -> ParameterBuilder {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(what))
}

/// Describes a query parameter that a request repeats for each name, as in `check=a&check=b`.
pub(super) fn names(parameter: &str, what: &str) -> Parameter {
    let names = ArrayBuilder::new().items(text());
    in_query(parameter, what)
        .schema(Some(names))
        .explode(Some(true))
        .build()
}

/// Describes the query parameter `format`. Its possible values are `names`, the names of the formats.
pub(super) fn format<'a>(names: impl Iterator<Item = &'a str>) -> Parameter {
    let names: Vec<&str> = names.collect();
    let names = ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(names));
    in_query("format", "The form of the answer; without it, `Accept` says")
        .schema(Some(names))
        .build()
}

/// Describes a string without control characters, such as the name of a check or a tag.
pub(super) fn text() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(r"^[^\u0000-\u001f\u007f-\u009f]*$"))
}
