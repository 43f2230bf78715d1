//! Dropping a value without recursion.

use serde_json::Value;

/// `Value`'s own `Drop` calls itself once a level and ends the stack of a value nested deeply enough.
pub(super) fn discard(value: Value) {
    let mut left = vec![value];
    while let Some(value) = left.pop() {
        match value {
            Value::Array(list) => left.extend(list),
            Value::Object(map) => left.extend(map.into_iter().map(|(_, value)| value)),
            _ => {}
        }
    }
}
