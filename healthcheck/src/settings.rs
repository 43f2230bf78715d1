use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::de::{self, DeserializeSeed, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::model::options::{self, Set};
use crate::model::{CheckInfo, CheckOptions, rules};

/// What may be decided at deployment: every option of every check.
///
/// Any configuration loader fills it, also one that gives numbers, booleans and lists (`"a, b"`) as text. Every field is
/// optional, durations are text ("500ms", "1m 30s", "none"). Keep it under a key of its own: serde can't refuse unknown
/// keys through `flatten`.
///
/// # Errors
/// Reading refuses an unknown key. [`HealthCheckBuilder::build`](crate::HealthCheckBuilder::build) reports every bad value
/// with its key, all at once: ``settings: `checks.redis.timeout`: expected a duration like "5s", found 5``.
///
/// | key | what it sets |
/// |---|---|
/// | `timeout`, `success_ttl`, `failed_ttl` | what holds for the checks that don't say otherwise |
/// | `longest_output` | how many bytes of an output are shown; the rest is cut, with a note. Default: 16,384 |
/// | `unknown_checks` | `"error"` (default) or `"warn"`: what a check or tag that doesn't exist here is |
/// | `tags.X.enabled` | `false` takes out the checks with that tag |
/// | `checks.X.enabled` | `false` takes that check out; `true` keeps it although its tag is taken out |
/// | `checks.X.…` | `description`, `liveness`, `readiness`, `startup`, `tags`, `critical`, `external`, `timeout`, `success_ttl`, `failed_ttl`, `interval`, `initial_delay`, `failure_threshold`, `success_threshold`, `warn_threshold`, `fail_after`, `depends_on`, `owner`, `runbook`, `when_it_fails`, as in `#[health_check]` |
///
/// ```
/// use healthcheck::{HealthCheck, Settings};
///
/// let settings: Settings = serde_json::from_str(
///     r#"{
///         "timeout": "3s",
///         "unknown_checks": "warn",
///         "tags": { "external": { "enabled": false } },
///         "checks": { "redis": { "timeout": "500ms", "critical": false } }
///     }"#,
/// )?;
/// let health = HealthCheck::builder().settings(settings).build()?;
/// # let _ = health;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "the settings of health checks")]
pub struct Settings {
    pub(crate) timeout: Value,
    pub(crate) success_ttl: Value,
    pub(crate) failed_ttl: Value,
    longest_output: Value,
    unknown_checks: Value,
    pub(crate) tags: BTreeMap<String, TagSettings>,
    #[serde(deserialize_with = "read_checks")]
    pub(crate) checks: BTreeMap<String, CheckSettings>,
}

impl Settings {
    /// What is wrong with the values that belong to no check, each with its key.
    pub(crate) fn problems(&self) -> Vec<String> {
        let keys = [
            ("longest_output", longest_output(&self.longest_output).err()),
            ("unknown_checks", warns_of_unknown(&self.unknown_checks).err()),
        ];
        let problems = keys
            .into_iter()
            .filter_map(|(key, why)| Some(problem(key, &why?)));
        let tags = self.tags.iter();
        let tags = tags.filter_map(|(tag, set)| {
            Some(problem(
                &format!("tags.{tag}.enabled"),
                &flag(&set.enabled).err()?,
            ))
        });
        problems.chain(tags).collect()
    }

    /// How many bytes of an output are shown, where that is set.
    pub(crate) fn longest_output(&self) -> Option<usize> {
        longest_output(&self.longest_output).ok()?
    }

    /// Whether a check or tag that doesn't exist is a warning, so that one configuration serves two releases. Otherwise
    /// it is an error.
    pub(crate) fn warns_of_unknown(&self) -> bool {
        warns_of_unknown(&self.unknown_checks).unwrap_or_default()
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(
    default,
    deny_unknown_fields,
    expecting = "the settings of a tag, like `{ \"enabled\": false }`"
)]
pub(crate) struct TagSettings {
    enabled: Value,
}

impl TagSettings {
    pub(crate) fn disables(&self) -> bool {
        flag(&self.enabled) == Ok(Some(false))
    }
}

/// What is set of one check, by key. The values are read at build, so that every bad one is reported with its key.
#[derive(Clone, Debug, Default)]
pub(crate) struct CheckSettings(BTreeMap<&'static str, Value>);

/// The keys beside the options.
const ENABLED: &str = "enabled";
const DESCRIPTION: &str = "description";

impl CheckSettings {
    /// Whether it takes its check out, `false`, or keeps it in whatever happens to its tags.
    pub(crate) fn enabled(&self) -> Option<bool> {
        self.flag(ENABLED)
    }

    /// Whether it takes its check out of readiness.
    pub(crate) fn leaves_readiness(&self) -> bool {
        self.flag("readiness") == Some(false)
    }

    /// Lays the settings over what the code says of the check.
    pub(crate) fn apply(&self, name: &str, info: &mut CheckInfo, problems: &mut Vec<String>) {
        let mut apply = |key: &str, set: &mut dyn FnMut(&Value) -> Result<(), String>| {
            if let Some(Err(why)) = self.0.get(key).map(set) {
                problems.push(problem(&format!("checks.{name}.{key}"), &why));
            }
        };
        apply(ENABLED, &mut |value| flag(value).map(drop));
        apply(DESCRIPTION, &mut |value| {
            text(value)?.into_iter().for_each(|text| info.describe(text));
            Ok(())
        });
        for option in &options::SETTABLE {
            apply(option.key, &mut |value| {
                set(info.options_mut(), option.set, value)
            });
        }
    }

    fn flag(&self, key: &str) -> Option<bool> {
        flag(self.0.get(key)?).ok()?
    }
}

fn set(options: &mut CheckOptions, set: Set, value: &Value) -> Result<(), String> {
    match set {
        Set::Flag(set) => flag(value)?.into_iter().for_each(|yes| set(options, yes)),
        Set::Count(set) => count(value)?.into_iter().for_each(|runs| set(options, runs)),
        Set::Duration(set) => duration(value)?.into_iter().for_each(|time| set(options, time)),
        Set::Text(set) => text(value)?
            .into_iter()
            .for_each(|text| set(options, Cow::Owned(text))),
        Set::Texts(set) => texts(value)?.into_iter().for_each(|texts| set(options, texts)),
    }
    Ok(())
}

pub(crate) fn problem(key: &str, why: &str) -> String {
    format!("settings: `{key}`: {why}")
}

// The values, as loaders give them: some know no numbers and no booleans and give every value as text, as that of an
// environment variable. Null is a key without a value and sets nothing.

fn flag(value: &Value) -> Result<Option<bool>, String> {
    let flag = match value {
        Value::Null => return Ok(None),
        Value::Bool(yes) => Some(*yes),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    flag.map(Some).ok_or_else(|| expected("true or false", value))
}

fn count(value: &Value) -> Result<Option<u32>, String> {
    number(value, "a whole number like 3")
}

fn number<T: FromStr + TryFrom<u64>>(value: &Value, like: &str) -> Result<Option<T>, String> {
    let number = match value {
        Value::Null => return Ok(None),
        Value::Number(number) => number.as_u64().and_then(|number| number.try_into().ok()),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.map(Some).ok_or_else(|| expected(like, value))
}

/// The inner `None` is "none".
pub(crate) fn duration(value: &Value) -> Result<Option<Option<Duration>>, String> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => rules::duration(text).map(Some),
        _ => Err(expected("a duration like \"5s\"", value)),
    }
}

/// A loader that guesses types makes a number of a text like "7".
fn text(value: &Value) -> Result<Option<String>, String> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        Value::Number(_) | Value::Bool(_) => Ok(Some(value.to_string())),
        _ => Err(expected("a text", value)),
    }
}

/// A list, or its elements in one text with commas between them.
fn texts(value: &Value) -> Result<Option<Box<[Cow<'static, str>]>>, String> {
    let element = |element: &Value| match text(element) {
        Ok(Some(text)) => Ok(Cow::Owned(text)),
        _ => Err(expected("texts in the list", element)),
    };
    match value {
        Value::Null => Ok(None),
        Value::Array(list) => list.iter().map(element).collect::<Result<_, _>>().map(Some),
        Value::String(text) => {
            let elements = text.split(',').map(str::trim).filter(|text| !text.is_empty());
            Ok(Some(elements.map(|text| Cow::Owned(text.to_owned())).collect()))
        }
        _ => Err(expected("a list of texts", value)),
    }
}

fn longest_output(value: &Value) -> Result<Option<usize>, String> {
    number(value, "a number of bytes")
}

fn warns_of_unknown(value: &Value) -> Result<bool, String> {
    match value {
        Value::Null => Ok(false),
        Value::String(text) if text == "error" => Ok(false),
        Value::String(text) if text == "warn" => Ok(true),
        _ => Err(expected("\"error\" or \"warn\"", value)),
    }
}

fn expected(what: &str, value: &Value) -> String {
    let found = match value {
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a table".to_owned(),
        // On one line, in quotes where it is a text.
        scalar => scalar.to_string(),
    };
    format!("expected {what}, found {found}")
}

// Reading refuses unknown keys. The path to one is known here and not to the loader.

fn read_checks<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, CheckSettings>, D::Error> {
    struct Checks;

    impl<'de> Visitor<'de> for Checks {
        type Value = BTreeMap<String, CheckSettings>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the settings of checks, by their names")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut checks = BTreeMap::new();
            while let Some(name) = map.next_key::<String>()? {
                let settings = map.next_value_seed(SettingsOf(&name))?;
                checks.insert(name, settings);
            }
            Ok(checks)
        }
    }

    deserializer.deserialize_map(Checks)
}

/// Reads the settings of the check with this name.
struct SettingsOf<'a>(&'a str);

impl<'de> DeserializeSeed<'de> for SettingsOf<'_> {
    type Value = CheckSettings;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<CheckSettings, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for SettingsOf<'_> {
    type Value = CheckSettings;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the settings of the check `{}`", self.0)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<CheckSettings, A::Error> {
        let known = || {
            [ENABLED, DESCRIPTION]
                .into_iter()
                .chain(options::SETTABLE.iter().map(|option| option.key))
        };
        let mut settings = BTreeMap::new();
        while let Some(key) = map.next_key::<String>()? {
            let Some(key) = known().find(|known| *known == key) else {
                let instead = rules::instead_of(&key, known());
                return Err(de::Error::custom(format!(
                    "unknown field `checks.{}.{key}`, {instead}",
                    self.0
                )));
            };
            if settings.insert(key, map.next_value()?).is_some() {
                return Err(de::Error::duplicate_field(key));
            }
        }
        Ok(CheckSettings(settings))
    }
}
