//! Values of any shape: objects, lists and texts at every depth.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::MASK;
use super::arguments::{self, Origin};
use super::bytes::{ALNUM, is};
use super::discard::discard;
use super::documents;
use super::entropy::looks_random;
use super::families;
use super::names::{Family, Verdict};
use super::objects;
use super::pairs;
use super::rules::Rules;
use super::scan::Scan;
use super::settings::{is_count, is_short_number};
use super::tokens;

/// Deeper than this nothing is shown: a value nested thousands of times must not end the stack.
pub(super) const DEEPEST: usize = 100;
pub(super) const TOO_DEEP: &str = "…";

/// A sentence is no name.
const LONGEST_NAME: usize = 64;

/// How often a text that was changed is read again, and how long it may be for that.
const MOST_ROUNDS: usize = 3;
const LONGEST_AGAIN: usize = 16 * 1024;

/// A name and its value take three bytes, and a token many: "ok" is what most checks say.
const SHORTEST: usize = 3;

const WEAK: Verdict = Verdict::Of(Family::Weak);

/// One way through a value.
#[derive(Clone, Copy)]
pub(super) struct Walk<'r> {
    pub(super) rules: &'r Rules,
    /// How often text was unpacked to come here.
    pub(super) unpacked: u8,
}

impl Walk<'_> {
    pub(super) fn value(self, value: Value, depth: usize) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(_) | Value::Object(_) if depth >= DEEPEST => {
                discard(value);
                TOO_DEEP.into()
            }
            Value::Array(list) => self.list(list, depth),
            Value::Object(map) => self.map(map, depth),
            scalar => scalar,
        }
    }

    /// The value beside a name.
    pub(super) fn named(self, name: &str, value: Value, depth: usize) -> Value {
        let verdict = self.rules.verdict(name);
        self.judged(verdict, name, value, depth)
    }

    fn judged(self, verdict: Verdict, name: &str, value: Value, depth: usize) -> Value {
        let hidden = match (verdict, &value) {
            (Verdict::Shown, _) => false,
            (Verdict::Fragment { .. }, _) => true,
            (Verdict::Of(Family::Carrier), Value::String(text)) => return self.carrier(text),
            (Verdict::Of(Family::Carrier), _) => false,
            // Nothing and a truth value tell nothing.
            (_, Value::Null | Value::Bool(_)) => false,
            (Verdict::Of(Family::Weak | Family::Faint), Value::String(text)) => verdict.hides_text(text),
            (Verdict::Of(Family::Faint), _) => false,
            (Verdict::Of(Family::Strong), Value::String(text)) => {
                verdict.hides_text(text) && !(name.ends_with(['s', 'S']) && is_count(text))
            }
            (Verdict::Of(family), Value::Number(number)) => {
                let counted = family == Family::Weak || name.ends_with(['s', 'S']);
                !(counted && is_short_number(&number.to_string()))
            }
            (Verdict::Of(Family::Weak), Value::Array(_) | Value::Object(_)) => {
                return self.branch(name, value, depth);
            }
            (Verdict::Of(_), Value::Array(list)) => !list.is_empty(),
            (Verdict::Of(_), Value::Object(map)) => !map.is_empty(),
        };
        if hidden {
            discard(value);
            return MASK.into();
        }
        self.value(value, depth)
    }

    /// Below `auth` or `session` stand settings as well as secrets: each is judged as if it had that name, unless its
    /// own says what it is.
    fn branch(self, name: &str, value: Value, depth: usize) -> Value {
        if depth >= DEEPEST {
            return self.value(value, depth);
        }
        match value {
            Value::Array(list) => Value::Array(
                list.into_iter()
                    .map(|value| self.judged(WEAK, name, value, depth + 1))
                    .collect(),
            ),
            Value::Object(mut map) => {
                for (inner, place) in &mut map {
                    let own = self.rules.verdict(inner);
                    let value = place.take();
                    *place = match own {
                        Verdict::Shown if !families::is_qualifier(inner) => {
                            self.judged(WEAK, name, value, depth + 1)
                        }
                        _ => self.judged(own, inner, value, depth + 1),
                    };
                }
                Value::Object(self.names(map))
            }
            scalar => self.judged(WEAK, name, scalar, depth),
        }
    }

    /// A text under a name that announces a connection string: whole it goes only when nothing in it can be told apart.
    fn carrier(self, text: &str) -> Value {
        let mut scan = Scan::new(text, self.rules, self.unpacked);
        scan.carrier = true;
        let spans = scan.run();
        if spans.is_empty() && super::judgement::is_opaque(text) {
            return MASK.into();
        }
        Value::String(self.rules.finish(spans.apply(text)).into_owned())
    }

    pub(super) fn text(self, text: String) -> String {
        match self.shown(&text) {
            Cow::Borrowed(shown) if std::ptr::eq(shown, &*text) => text,
            shown => shown.into_owned(),
        }
    }

    /// The text by the built-in rules, then by the application's own.
    pub(super) fn shown(self, text: &str) -> Cow<'_, str> {
        if text.len() < SHORTEST || is_plain_word(text) {
            return self.rules.finish(Cow::Borrowed(text));
        }
        let mut shown = documents::whole(
            self,
            text,
            Scan::new(text, self.rules, self.unpacked).run().apply(text),
        );
        // What a mask leaves behind may read differently from before: such a text is read again, so that redacting it
        // once more changes nothing.
        for _ in 0..MOST_ROUNDS {
            let Cow::Owned(once) = &shown else { break };
            if once.len() > LONGEST_AGAIN {
                break;
            }
            match documents::whole(
                self,
                once,
                Scan::new(once, self.rules, self.unpacked).run().apply(once),
            ) {
                Cow::Borrowed(_) => break,
                Cow::Owned(again) => shown = Cow::Owned(again),
            }
        }
        self.rules.finish(shown)
    }

    fn list(self, list: Vec<Value>, depth: usize) -> Value {
        let texts = list.iter().all(Value::is_string);
        if texts && arguments::look_like_arguments(list.iter().filter_map(Value::as_str)) {
            let words = list.into_iter().filter_map(|word| match word {
                Value::String(word) => Some(word),
                _ => None,
            });
            return Value::Array(self.arguments(&words.collect::<Vec<_>>()));
        }
        if let [Value::String(name), Value::String(text)] = list.as_slice()
            && !name.contains(' ')
            && self.rules.verdict(name).is_telling()
            && looks_random(text, 8)
        {
            return self.pair(Value::Array(list), depth);
        }
        let pairs = !list.is_empty() && list.iter().all(is_pair);
        let values = list.into_iter().map(|value| {
            if pairs {
                self.pair(value, depth + 1)
            } else {
                self.value(value, depth + 1)
            }
        });
        Value::Array(values.collect())
    }

    /// `["password", "x"]` in a list of such.
    fn pair(self, value: Value, depth: usize) -> Value {
        let Value::Array(pair) = value else { return value };
        let mut pair = pair.into_iter();
        match (pair.next(), pair.next()) {
            (Some(Value::String(name)), Some(value)) => {
                let value = self.named(&name, value, depth + 1);
                Value::Array(vec![Value::String(self.text(name)), value])
            }
            (first, second) => Value::Array(
                first
                    .into_iter()
                    .chain(second)
                    .map(|value| self.value(value, depth + 1))
                    .collect(),
            ),
        }
    }

    pub(super) fn arguments(self, words: &[String]) -> Vec<Value> {
        let mut shown = self.arguments_once(words);
        for _ in 0..MOST_ROUNDS {
            if shown == words || shown.iter().map(String::len).sum::<usize>() > LONGEST_AGAIN {
                break;
            }
            let again = self.arguments_once(&shown);
            if again == shown {
                break;
            }
            shown = again;
        }
        shown.into_iter().map(Value::String).collect()
    }

    fn arguments_once(self, words: &[String]) -> Vec<String> {
        let views: Vec<&str> = words.iter().map(String::as_str).collect();
        let found = arguments::secrets(&views, Origin::List, self.rules);
        let mut found = found.into_iter().peekable();
        let mut shown = Vec::with_capacity(words.len());
        for (index, word) in words.iter().enumerate() {
            let mut scan = Scan::new(word, self.rules, self.unpacked);
            while let Some(secret) = found.next_if(|secret| secret.argument <= index) {
                if secret.argument == index {
                    scan.spans.hide(secret.range);
                }
            }
            let text = documents::whole(self, word, scan.run().apply(word));
            shown.push(self.rules.finish(text).into_owned());
        }
        shown
    }

    fn map(self, mut map: Map<String, Value>, depth: usize) -> Value {
        let paired = objects::name_in_pair(&map).map(|name| (self.rules.verdict(name), name.to_owned()));
        let kind = objects::Kind::of(&map);
        for (name, place) in &mut map {
            let value = place.take();
            *place = match &paired {
                Some((verdict, of)) if pairs::is_name_of_value(name) => {
                    self.judged(*verdict, of, value, depth + 1)
                }
                // The name of a pair is no secret even where it stands under `key`.
                Some(_) if pairs::is_name_of_name(name) => self.value(value, depth + 1),
                _ if kind.hides(name) => objects::without_values(value),
                _ => self.named(name, value, depth + 1),
            };
        }
        Value::Object(self.names(map))
    }

    /// The same with its names redacted, which nearly never changes one.
    fn names(self, map: Map<String, Value>) -> Map<String, Value> {
        if map.keys().all(|name| self.shown(name) == *name) {
            return map;
        }
        let mut shown = Map::new();
        for (name, value) in map {
            let name = self.text(name);
            // Two names that differ only in their secret: both values are shown.
            let name = if shown.contains_key(&name) {
                format!("{name} ({})", shown.len() + 1)
            } else {
                name
            };
            shown.insert(name, value);
        }
        shown
    }
}

/// One word, shorter than every token: a number, a host, a name. Whatever else is hidden has a sign of its own in it.
fn is_plain_word(text: &str) -> bool {
    text.len() < tokens::SHORTEST
        && text
            .bytes()
            .all(|byte| is(byte, ALNUM) || matches!(byte, b'_' | b'-' | b'.'))
}

fn is_pair(value: &Value) -> bool {
    let is_name = |name: &str| name.len() <= LONGEST_NAME && !name.contains(' ');
    value
        .as_array()
        .is_some_and(|pair| pair.len() == 2 && pair.first().and_then(Value::as_str).is_some_and(is_name))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{Redaction, Redactor};
    use super::*;

    struct Everything;

    impl Redactor for Everything {
        fn redact_text<'a>(&self, _: &'a str) -> Cow<'a, str> {
            Cow::Borrowed("x")
        }
    }

    #[test]
    fn a_word_that_is_too_short_for_a_token_holds_nothing() {
        let rules = Rules::default();
        for word in [
            "production",
            "10.96.0.1",
            "a-b_c.d1E2f3",
            "password",
            "AKIA0123456",
        ] {
            assert!(
                is_plain_word(word) && Scan::new(word, &rules, 0).run().is_empty(),
                "{word}"
            );
        }
        for other in [
            "a b",
            "a:b",
            "a=b",
            "a/b",
            "\"a\"",
            "пароль",
            "AKIAIOSFODNN7EXAMPLE",
        ] {
            assert!(!is_plain_word(other), "{other}");
        }
    }

    #[test]
    fn an_own_rule_sees_the_shortest_text() {
        let redaction = Redaction::builder().rule(Arc::new(Everything)).build();
        assert_eq!(redaction.value("ok".into()), "x");
        assert_eq!(redaction.value("".into()), "x");
    }
}
