//! Objects that say of themselves what they are: a Kubernetes Secret, a JSON Web Key. Which of their values are
//! secret is then known whatever the names. And pairs: `{"name": "DB_PASSWORD", "value": "x"}`.

use serde_json::{Map, Value};

use super::MASK;
use super::discard::discard;
use super::pairs;

/// What an object says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    /// `{"kind": "Secret", "data": {…}}`
    Manifest,
    /// `{"kty": "EC", "x": …, "d": …}`
    WebKey,
}

impl Kind {
    pub(super) fn of(map: &Map<String, Value>) -> Self {
        if map.get("kind").and_then(Value::as_str) == Some("Secret") {
            Self::Manifest
        } else if map.get("kty").is_some_and(Value::is_string) {
            Self::WebKey
        } else {
            Self::Plain
        }
    }

    /// Whether every value under this name goes.
    pub(super) fn hides(self, name: &str) -> bool {
        match self {
            Self::Plain => false,
            Self::Manifest => matches!(name, "data" | "stringData"),
            // RFC 7518: the private members of all types of keys.
            Self::WebKey => matches!(name, "d" | "p" | "q" | "dp" | "dq" | "qi" | "oth" | "k"),
        }
    }
}

/// The names stay, their values go.
pub(super) fn without_values(value: Value) -> Value {
    match value {
        Value::Object(mut map) => {
            for value in map.values_mut() {
                discard(std::mem::replace(value, MASK.into()));
            }
            Value::Object(map)
        }
        other => {
            discard(other);
            MASK.into()
        }
    }
}

/// The name that an object of the form `{"name": …, "value": …}` speaks of.
pub(super) fn name_in_pair(map: &Map<String, Value>) -> Option<&str> {
    if !map.keys().any(|name| pairs::is_name_of_value(name)) {
        return None;
    }
    map.iter()
        .find_map(|(name, value)| value.as_str().filter(|_| pairs::is_name_of_name(name)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Redaction;
    use super::MASK;

    #[test]
    fn the_private_members_of_a_web_key_go() {
        let x = concat!("FAKE", "00ab12cd");
        let shown =
            Redaction::default().value(json!([{ "kty": "EC", "d": x, "x": "a" }, { "kty": "oct", "k": x }]));
        assert_eq!(
            shown,
            json!([{ "kty": "EC", "d": MASK, "x": "a" }, { "kty": "oct", "k": MASK }])
        );
        let plain = json!({ "d": 3, "k": "a" });
        assert_eq!(Redaction::default().value(plain.clone()), plain);
    }

    #[test]
    fn the_data_of_a_secret_goes_and_its_names_stay() {
        let shown = Redaction::default()
            .value(json!({ "kind": "Secret", "data": { "a": "Yg==" }, "type": "Opaque" }));
        assert_eq!(
            shown,
            json!({ "kind": "Secret", "data": { "a": MASK }, "type": "Opaque" })
        );
        let plain = json!({ "kind": "ConfigMap", "data": { "a": "b" } });
        assert_eq!(Redaction::default().value(plain.clone()), plain);
    }
}
