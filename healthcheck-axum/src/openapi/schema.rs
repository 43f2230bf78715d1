//! Builds the JSON schemas of the response bodies.

use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AdditionalProperties, AnyOfBuilder, ObjectBuilder, Schema, SchemaType, Type};

/// Returns the name and the schema of the type `T`.
pub(super) fn of<T: ToSchema>() -> (String, RefOr<Schema>) {
    (T::name().into_owned(), T::schema())
}

/// Returns the schema of a JSON object that has at least these fields.
pub(super) fn with(fields: &[&str]) -> RefOr<Schema> {
    let object = fields.iter().fold(ObjectBuilder::new(), |object, field| {
        object.property(*field, anything()).required(*field)
    });
    object.build().into()
}

pub(super) fn any_object() -> RefOr<Schema> {
    ObjectBuilder::new()
        .additional_properties(Some(AdditionalProperties::FreeForm(true)))
        .build()
        .into()
}

pub(super) fn string() -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::String).build().into()
}

pub(super) fn anything() -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(SchemaType::AnyValue)
        .build()
        .into()
}

/// Returns the schema of a value that matches at least one of these schemas. If the list has only one schema, returns
/// that schema unchanged.
pub(super) fn any_of(mut schemas: Vec<RefOr<Schema>>) -> RefOr<Schema> {
    match (schemas.pop(), schemas.is_empty()) {
        (Some(only), true) => only,
        (last, _) => {
            let all = schemas.into_iter().chain(last);
            Schema::from(all.fold(AnyOfBuilder::new(), AnyOfBuilder::item)).into()
        }
    }
}
