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

/// Settings from the deployment's configuration. They can override each option of each check.
///
/// You can deserialise the settings with any configuration loader. Keep them under a separate key of your
/// configuration, because serde can't reject unknown keys through `flatten`.
///
/// Every field is optional. A duration is a text: `"500ms"`, `"1m 30s"`, `"none"`. A number, a boolean or a list may
/// also be written as a text, such as `"a, b"`.
///
/// # Errors
/// Deserialising fails for an unknown key.
///
/// [`HealthCheckBuilder::build`](crate::HealthCheckBuilder::build) returns an error that lists all bad values. Each
/// value has its key: ``settings: `checks.redis.timeout`: expected a duration like "5s", found 5``.
///
/// | key | meaning |
/// |---|---|
/// | `timeout`, `success_ttl`, `failed_ttl` | The defaults for checks that don't set these options. |
/// | `longest_output` | How many bytes of an output reports show. The rest is cut, and a note says so. Default: 16,384. |
/// | `unknown_checks` | Settings for an unknown check or tag cause an error (`"error"`, the default) or a warning (`"warn"`). |
/// | `tags.X.enabled` | `false` disables the checks with the tag `X`. |
/// | `checks.X.enabled` | `false` disables the check `X`. `true` keeps the check even if one of its tags is disabled. |
/// | `checks.X.…` | The options of the check `X`: `description`, `liveness`, `readiness`, `startup`, `tags`, `critical`, `external`, `timeout`, `success_ttl`, `failed_ttl`, `interval`, `initial_delay`, `failure_threshold`, `success_threshold`, `warn_threshold`, `fail_after`, `depends_on`, `owner`, `runbook`, `when_it_fails`. They mean the same as in `#[health_check]`. |
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
    /// Returns a problem for each bad value of `longest_output`, `unknown_checks` and `tags`. The text of a problem
    /// contains the key of the value.
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

    /// Returns how many bytes of an output reports show, or `None` if the settings don't set this limit.
    pub(crate) fn longest_output(&self) -> Option<usize> {
        longest_output(&self.longest_output).ok()?
    }

    /// Returns true if settings for an unknown check or tag cause only a warning, and false if they cause an error.
    /// With warnings, two releases with different checks can share the same settings.
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

/// The settings of one check, by key. The build parses the values, so that it can report each bad value with its key.
#[derive(Clone, Debug, Default)]
pub(crate) struct CheckSettings(BTreeMap<&'static str, Value>);

/// Two keys that the settings of a check accept in addition to the keys in `SETTABLE`.
const ENABLED: &str = "enabled";
const DESCRIPTION: &str = "description";

impl CheckSettings {
    /// Returns `false` if the settings disable the check. Returns `true` if the check stays enabled even if one of its
    /// tags is disabled. Returns `None` if the settings don't set `enabled`.
    pub(crate) fn enabled(&self) -> Option<bool> {
        self.flag(ENABLED)
    }

    /// Returns true if the settings remove the check from readiness.
    pub(crate) fn leaves_readiness(&self) -> bool {
        self.flag("readiness") == Some(false)
    }

    /// Applies these settings to the options and the description of a check. Adds each bad value to `problems`.
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

// The functions below parse the values of settings. They also accept a number or a boolean as a text, because some
// configuration loaders pass every value as a text.
//
// `Null` means that a key has no value. Such a key sets nothing.

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

/// Parses a duration. The outer `None` means that the setting has no value. The inner `None` means that the value is
/// "none".
pub(crate) fn duration(value: &Value) -> Result<Option<Option<Duration>>, String> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => rules::duration(text).map(Some),
        _ => Err(expected("a duration like \"5s\"", value)),
    }
}

/// Parses a text. Accepts numbers and booleans too, because a loader that guesses types converts a text like "7" to a
/// number.
fn text(value: &Value) -> Result<Option<String>, String> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        Value::Number(_) | Value::Bool(_) => Ok(Some(value.to_string())),
        _ => Err(expected("a text", value)),
    }
}

/// Parses a list of texts, or one text with elements that are separated by commas.
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
        // As JSON, the value stays on one line, and a text has quotes.
        scalar => scalar.to_string(),
    };
    format!("expected {what}, found {found}")
}

// We deserialise `checks` without `derive`, so that the error for an unknown key has the full path of the key. With
// `derive`, the error would have only the last part of the path.

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

/// Deserialises the settings of the check with the name in this struct.
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
