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

/// Settings from the deployment's configuration. They can override every option of every check.
///
/// Deserialise the settings with any configuration loader. Numbers, booleans and lists may also be text, such as
/// `"a, b"`. Every field is optional. Durations are text: `"500ms"`, `"1m 30s"`, `"none"`. Keep the settings under a
/// separate key of your configuration, because serde can't reject unknown keys through `flatten`.
///
/// # Errors
/// Deserialising fails for an unknown key. [`HealthCheckBuilder::build`](crate::HealthCheckBuilder::build) lists all bad
/// values with their keys: `settings: checks.redis.timeout: expected a duration like "5s", found 5`.
///
/// | key | meaning |
/// |---|---|
/// | `timeout`, `success_ttl`, `failed_ttl` | The defaults for checks that don't set these options. |
/// | `longest_output` | How many bytes of an output are shown; the rest is cut, with a note. Default: 16,384. |
/// | `unknown_checks` | Whether settings for an unknown check or tag are an `"error"` (default) or a warning, `"warn"`. |
/// | `tags.X.enabled` | `false` disables the checks with that tag. |
/// | `checks.X.enabled` | `false` disables that check; `true` keeps it even if its tag is disabled. |
/// | `checks.X.…` | `description`, `liveness`, `readiness`, `startup`, `tags`, `critical`, `external`, `timeout`, `success_ttl`, `failed_ttl`, `interval`, `initial_delay`, `failure_threshold`, `success_threshold`, `warn_threshold`, `fail_after`, `depends_on`, `owner`, `runbook`, `when_it_fails`, as in `#[health_check]`. |
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
    /// Returns the problems of the values outside of `checks`, each with its key.
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

    /// Returns how many bytes of an output are shown, or `None` if the settings don't set this.
    pub(crate) fn longest_output(&self) -> Option<usize> {
        longest_output(&self.longest_output).ok()?
    }

    /// Returns true if settings for an unknown check or tag are a warning, so that one configuration fits two releases.
    /// Otherwise they are an error.
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

/// The settings of one check, by key. The values are parsed at build, so that each bad value is reported with its key.
#[derive(Clone, Debug, Default)]
pub(crate) struct CheckSettings(BTreeMap<&'static str, Value>);

/// The keys that aren't options of a check.
const ENABLED: &str = "enabled";
const DESCRIPTION: &str = "description";

impl CheckSettings {
    /// Returns `false` if the check is disabled, and `true` if it stays enabled even if its tags are disabled.
    pub(crate) fn enabled(&self) -> Option<bool> {
        self.flag(ENABLED)
    }

    /// Returns true if the settings remove the check from readiness.
    pub(crate) fn leaves_readiness(&self) -> bool {
        self.flag("readiness") == Some(false)
    }

    /// Applies the settings to the options from the code.
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

// Parsers of the values. Some configuration loaders have no numbers or booleans, and pass every value as text, as from
// an environment variable. Null means a key without a value and sets nothing.

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

/// The outer `None` means "not set", the inner `None` the text "none".
pub(crate) fn duration(value: &Value) -> Result<Option<Option<Duration>>, String> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => rules::duration(text).map(Some),
        _ => Err(expected("a duration like \"5s\"", value)),
    }
}

/// Accepts numbers and booleans too, because a loader that guesses types turns a text like "7" into a number.
fn text(value: &Value) -> Result<Option<String>, String> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        Value::Number(_) | Value::Bool(_) => Ok(Some(value.to_string())),
        _ => Err(expected("a text", value)),
    }
}

/// Accepts a list, or a text with the elements separated by commas.
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
        // JSON keeps the value on one line, and a text in quotes.
        scalar => scalar.to_string(),
    };
    format!("expected {what}, found {found}")
}

// Custom deserialisation of `checks`, so that the error for an unknown key has its full path. With a derived
// implementation, the error would have only the last key.

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

/// Deserialises the settings of the check with this name.
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
