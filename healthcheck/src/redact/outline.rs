//! Names without values.

use serde_json::Value;

use super::MASK;
use super::arguments;
use super::discard::discard;
use super::walk::{DEEPEST, TOO_DEEP};

/// The same shape with every text, number, truth value and nothing masked. Of arguments the names of flags stay.
pub(super) fn of(value: Value, depth: usize) -> Value {
    match value {
        Value::Array(_) | Value::Object(_) if depth >= DEEPEST => {
            discard(value);
            TOO_DEEP.into()
        }
        Value::Object(mut map) => {
            for value in map.values_mut() {
                *value = of(value.take(), depth + 1);
            }
            Value::Object(map)
        }
        Value::Array(list) => {
            let flags = list.iter().all(Value::is_string)
                && arguments::look_like_arguments(list.iter().filter_map(Value::as_str));
            list.into_iter()
                .map(|value| match value {
                    Value::String(word) if flags => flag(&word).into(),
                    other => of(other, depth + 1),
                })
                .collect()
        }
        _ => MASK.into(),
    }
}

/// `--name=value` without its value; of a short flag one letter, since a value may be written together with it.
fn flag(word: &str) -> String {
    if !arguments::is_flag(word) {
        return MASK.to_owned();
    }
    if !word.starts_with("--") {
        let letter = word.get(..2).unwrap_or_default();
        let rest = if word.len() > 2 { MASK } else { "" };
        return format!("{letter}{rest}");
    }
    if let Some((name, _)) = word.split_once('=') {
        return format!("{name}={MASK}");
    }
    let plain = word
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    if plain { word.to_owned() } else { MASK.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_names_and_shape_stay() {
        let value = json!({"a": 1, "b": [true, null, "x"], "c": {"d": "e"}, "argv": ["app", "--port=80", "-p80", "-pc2Vj=", "-v", "--x", "y"]});
        let m = MASK;
        assert_eq!(
            of(value, 0),
            json!({"a": m, "b": [m, m, m], "c": {"d": m}, "argv": [m, "--port=********", "-p********", "-p********", "-v", "--x", m]})
        );
    }
}
