//! Renders JSON bodies that aren't reports: the history and the environment. A body has at most 4 MiB, like that of a
//! report.

use axum::body::Bytes;
use healthcheck::Transition;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::body::Body;
use crate::access::details::{self, LEFT_OUT};

/// Returns the transitions as a JSON list. If the list would be too large, a note replaces each output.
pub(crate) fn of_history(history: Vec<Transition>) -> Bytes {
    within(&history)
        .or_else(|| within(&details::history_without_outputs(history)))
        .unwrap_or_else(|| Bytes::from_static(b"[]"))
}

/// Returns the environment page as JSON. If the page would be too large, a note replaces each section.
pub(crate) fn of_environment(sections: &Map<String, Value>) -> Bytes {
    within(sections).unwrap_or_else(|| {
        let note =
            json!({ "error": "left out: the page would be larger than 4 MiB; ask for this section alone" });
        let mut notes = Map::new();
        notes.extend(sections.keys().map(|name| (name.clone(), note.clone())));
        within(&notes).unwrap_or_default()
    })
}

/// Returns one section of the environment page as JSON. If the section would be too large, a note replaces it.
pub(crate) fn of_value(value: &Value) -> Bytes {
    within(value).unwrap_or_else(|| Bytes::from(json!({ "error": LEFT_OUT }).to_string()))
}

/// Serializes a value as JSON. Returns `None` if the JSON would exceed the size limit, or if the value can't be
/// serialized.
fn within<T: Serialize + ?Sized>(value: &T) -> Option<Bytes> {
    let mut body = Body::default();
    body.json(value).ok()?;
    Some(body.into_bytes())
}
