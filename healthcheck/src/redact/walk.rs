//! Redacts JSON values of any shape: objects, lists and strings at every depth.

use serde_json::{Map, Value};

use super::arguments::{self, Origin};
use super::bytes::{NAME, WORD, all, split_at};
use super::names::{self, Family, Verdict};
use super::pairs::is_opaque;
use super::scan::Scan;
use super::values::{is_count, is_short_number, looks_random};
use super::words::{NAME_KEY, VALUE_KEY, means};
use super::{MASK, Rules};

/// The maximum depth of nesting that is shown. The limit prevents a stack overflow if a value is nested thousands of
/// times.
const DEEPEST: usize = 100;
const TOO_DEEP: &str = "…";
/// The maximum length in bytes of the name in a list such as `["password", "x"]`. A longer string is a sentence.
const LONGEST_NAME: usize = 64;
/// If a pass over the arguments of a process has changed them, the redactor makes another pass, at most this many
/// times.
const MOST_ROUNDS: usize = 3;

const WEAK: Verdict = Verdict::Of(Family::Weak);

/// Drops a value without recursion, and returns `replacement` as a value.
///
/// The `Drop` of `Value` recurses once for each nested level. Dropping a very deeply nested value in this way would
/// overflow the stack.
fn discarded(value: Value, replacement: &str) -> Value {
    let mut left = vec![value];
    while let Some(value) = left.pop() {
        match value {
            Value::Array(list) => left.extend(list),
            Value::Object(map) => left.extend(map.into_iter().map(|(_, value)| value)),
            _ => {}
        }
    }
    replacement.into()
}

/// Masks every string, number, boolean and null in a value, and keeps the names and the nesting. In a list of
/// arguments, also keeps the names of the flags.
pub(super) fn names_only(value: Value, depth: usize) -> Value {
    match value {
        Value::Array(_) | Value::Object(_) if depth >= DEEPEST => discarded(value, TOO_DEEP),
        Value::Object(mut map) => {
            for value in map.values_mut() {
                *value = names_only(value.take(), depth + 1);
            }
            Value::Object(map)
        }
        Value::Array(list) => {
            let flags = are_arguments(&list);
            let only = |value| match value {
                Value::String(word) if flags => name_of_flag(&word).into(),
                other => names_only(other, depth + 1),
            };
            list.into_iter().map(only).collect()
        }
        _ => MASK.into(),
    }
}

/// Masks the value in an argument such as `--name=value`, and keeps the name.
///
/// Of a short flag such as `-psecret`, keeps only `-p`, because the rest may be the value. If the argument
/// isn't a flag, masks the whole argument.
fn name_of_flag(word: &str) -> String {
    match split_at(word, b'=') {
        _ if !arguments::begins_flag(word.as_bytes()) => MASK.to_owned(),
        _ if !word.starts_with("--") && word.len() > 2 => format!("{}{MASK}", &word[..2]),
        Some((name, _)) => format!("{name}={MASK}"),
        None if all(word, WORD, b".") => word.to_owned(),
        None => MASK.to_owned(),
    }
}

fn are_arguments(list: &[Value]) -> bool {
    list.iter().all(Value::is_string) && arguments::look_like_arguments(list.iter().filter_map(Value::as_str))
}

impl Rules {
    pub(super) fn value(&self, value: Value, depth: usize) -> Value {
        match value {
            Value::String(text) => Value::String(self.owned(text)),
            Value::Array(_) | Value::Object(_) if depth >= DEEPEST => discarded(value, TOO_DEEP),
            Value::Array(list) => self.list(list, depth),
            Value::Object(map) => self.object(map, depth),
            scalar => scalar,
        }
    }

    /// Redacts a value by its name and by its content.
    pub(super) fn named(&self, name: &str, value: Value, depth: usize) -> Value {
        self.judged(self.verdict(name), name, value, depth)
    }

    fn judged(&self, verdict: Verdict, name: &str, value: Value, depth: usize) -> Value {
        let plural = name.ends_with(['s', 'S']);
        let hidden = match (verdict, &value) {
            (Verdict::Shown, _) => false,
            (Verdict::Fragment { .. }, _) => true,
            // A connection string is hidden as a whole only if its secret part can't be identified.
            (Verdict::Of(Family::Carrier), Value::String(text)) => is_opaque(text),
            // A null or a boolean reveals nothing.
            (Verdict::Of(Family::Carrier), _) | (_, Value::Null | Value::Bool(_)) => false,
            (Verdict::Of(family), Value::String(text)) => {
                verdict.hides(text) && !(family == Family::Strong && plural && is_count(text))
            }
            (Verdict::Of(Family::Faint), _) => false,
            (Verdict::Of(family), Value::Number(number)) => {
                !((family == Family::Weak || plural) && is_short_number(&number.to_string()))
            }
            (Verdict::Of(Family::Weak), _) => return self.branch(name, value, depth),
            (Verdict::Of(_), Value::Array(list)) => !list.is_empty(),
            (Verdict::Of(_), Value::Object(map)) => !map.is_empty(),
        };
        if hidden {
            discarded(value, MASK)
        } else {
            self.value(value, depth)
        }
    }

    /// Redacts a list or an object whose name is a word like `auth` or `session`. Such an object may contain both
    /// settings and secrets.
    ///
    /// If the rules know the name of an inner value, the inner name decides whether this value is secret. If not, the
    /// outer name decides.
    fn branch(&self, name: &str, value: Value, depth: usize) -> Value {
        match value {
            _ if depth >= DEEPEST => self.value(value, depth),
            Value::Array(list) => {
                let judged = |value| self.judged(WEAK, name, value, depth + 1);
                list.into_iter().map(judged).collect()
            }
            Value::Object(mut map) => {
                for (inner, place) in &mut map {
                    let value = place.take();
                    *place = match self.verdict(inner) {
                        Verdict::Shown if !names::is_qualifier(inner) => {
                            self.judged(WEAK, name, value, depth + 1)
                        }
                        own => self.judged(own, inner, value, depth + 1),
                    };
                }
                Value::Object(self.with_redacted_names(map))
            }
            scalar => self.judged(WEAK, name, scalar, depth),
        }
    }

    fn list(&self, mut list: Vec<Value>, depth: usize) -> Value {
        if are_arguments(&list) {
            let words = list.into_iter().map(|word| match word {
                Value::String(word) => word,
                other => other.to_string(),
            });
            return self.arguments(words.collect()).into();
        }
        let is_name = |name: &str| name.len() <= LONGEST_NAME && all(name, NAME, b"");
        // A list may be a pair of a name and a value: `["password", "x"]`.
        if let [Value::String(name), Value::String(text)] = list.as_slice()
            && is_name(name)
            && self.verdict(name).is_telling()
            && looks_random(text, 8)
        {
            list[1] = MASK.into();
            return Value::Array(list);
        }
        let is_pair = |value: &Value| match value.as_array().map(Vec::as_slice) {
            Some([Value::String(name), _]) => is_name(name),
            _ => false,
        };
        let pairs = list.iter().all(is_pair);
        for place in &mut list {
            *place = match place.take() {
                Value::Array(mut pair) if pairs && depth + 1 < DEEPEST => {
                    if let [Value::String(name), value] = pair.as_mut_slice() {
                        *value = self.named(name, value.take(), depth + 2);
                        *name = self.owned(std::mem::take(name));
                    }
                    Value::Array(pair)
                }
                value => self.value(value, depth + 1),
            };
        }
        Value::Array(list)
    }

    fn object(&self, mut map: Map<String, Value>, depth: usize) -> Value {
        // An object may be a pair of a name and a value: `{"name": "DB_PASSWORD", "value": "x"}`.
        let name = map
            .iter()
            .find(|(name, value)| value.is_string() && means(name, NAME_KEY));
        let name = name.filter(|_| map.keys().any(|name| means(name, VALUE_KEY)));
        let name = name.and_then(|(_, value)| value.as_str()).map(str::to_owned);
        // In a Kubernetes Secret, everything below `data` and `stringData` is secret. In a JSON Web Key (RFC 7518),
        // fields such as `d` and `k` are secret.
        let manifest = map.get("kind").and_then(Value::as_str) == Some("Secret");
        let web_key = map.get("kty").is_some_and(Value::is_string);
        for (inner, place) in &mut map {
            let value = place.take();
            *place = match (&name, inner.as_str()) {
                (Some(name), _) if means(inner, VALUE_KEY) => self.named(name, value, depth + 1),
                // In a pair such as `{"key": "DB_PASSWORD", "value": "x"}`, the value of `key` is a name and not a
                // secret.
                (Some(_), _) if means(inner, NAME_KEY) => self.value(value, depth + 1),
                (None, "data" | "stringData") if manifest => without_values(value),
                (None, "d" | "p" | "q" | "dp" | "dq" | "qi" | "oth" | "k") if web_key => {
                    without_values(value)
                }
                _ => self.named(inner, value, depth + 1),
            };
        }
        Value::Object(self.with_redacted_names(map))
    }

    /// Redacts the secrets in the names of an object. If no name contains a secret, returns the object unchanged.
    fn with_redacted_names(&self, map: Map<String, Value>) -> Map<String, Value> {
        if map.keys().all(|name| self.text(name) == *name) {
            return map;
        }
        let mut shown = Map::new();
        for (name, value) in map {
            let mut name = self.owned(name);
            // If two names differ only in a secret, they are equal after masking. The second name gets a suffix, so
            // that the object keeps both values.
            if shown.contains_key(&name) {
                name = format!("{name} ({})", shown.len() + 1);
            }
            shown.insert(name, value);
        }
        shown
    }

    /// Redacts the arguments of a process. The first argument is the name of the program.
    pub(super) fn arguments(&self, mut list: Vec<String>) -> Vec<String> {
        for _ in 0..=MOST_ROUNDS {
            let words: Vec<&str> = list.iter().map(String::as_str).collect();
            let found = arguments::secrets(&words, Origin::List, self);
            let mut found = found.into_iter().peekable();
            let mut shown = Vec::with_capacity(words.len());
            for (index, word) in words.iter().enumerate() {
                let mut spans = Scan::new(word, self, 0).read();
                while let Some((_, range)) = found.next_if(|(argument, _)| *argument <= index) {
                    spans.insert(range, 0);
                }
                shown.push(self.finish(spans.masked(word)).into_owned());
            }
            if shown == list {
                break;
            }
            list = shown;
        }
        list
    }
}

/// Masks the values of an object and keeps its names. Masks any other value as a whole.
fn without_values(value: Value) -> Value {
    match value {
        Value::Object(mut map) => {
            for value in map.values_mut() {
                *value = discarded(value.take(), MASK);
            }
            Value::Object(map)
        }
        other => discarded(other, MASK),
    }
}
