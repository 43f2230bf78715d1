//! What a request may say.

use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Type};

/// A segment of the path.
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

/// Names in the query, each with the parameter's name before it.
pub(super) fn names(parameter: &str, what: &str) -> Parameter {
    let names = ArrayBuilder::new().items(text());
    in_query(parameter, what)
        .schema(Some(names))
        .explode(Some(true))
        .build()
}

/// `?format=`, one of these.
pub(super) fn format<'a>(names: impl Iterator<Item = &'a str>) -> Parameter {
    let names: Vec<&str> = names.collect();
    let names = ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(names));
    in_query("format", "The form of the answer; without it, `Accept` says")
        .schema(Some(names))
        .build()
}

/// Text as it may be asked for: without control characters, which no name holds.
pub(super) fn text() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(r"^[^\u0000-\u001f\u007f-\u009f]*$"))
}
