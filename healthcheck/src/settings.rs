use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

/// What may be decided at deployment: every option of every check.
///
/// Any configuration loader fills it; every field is optional, durations are text ("500ms", "1m 30s", "none").
/// Keep it under a key of its own: serde can't refuse unknown keys through `flatten`. What is wrong with it is told
/// by [`HealthCheckBuilder::build`](crate::HealthCheckBuilder::build), every problem at once; an unknown key while
/// reading.
///
/// | key | what it sets |
/// |---|---|
/// | `timeout`, `success_ttl`, `failed_ttl` | what holds for the checks that don't say otherwise |
/// | `longest_output` | how many bytes of an output are told; the rest is cut, with a note. Default: 16,384 |
/// | `unknown_checks` | `"error"` (default) or `"warn"`: what a check or tag that doesn't exist here is |
/// | `tags.X.enabled` | `false` takes out the checks with that tag |
/// | `checks.X.enabled` | `false` takes that check out; `true` keeps it although its tag is taken out |
/// | `checks.X.…` | `description`, `liveness`, `readiness`, `startup`, `tags`, `critical`, `external`, `timeout`, `success_ttl`, `failed_ttl`, `interval`, `initial_delay`, `failure_threshold`, `success_threshold`, `depends_on`, as in `#[health_check]` |
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
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    pub(crate) timeout: Option<String>,
    pub(crate) success_ttl: Option<String>,
    pub(crate) failed_ttl: Option<String>,
    pub(crate) longest_output: Option<usize>,
    pub(crate) unknown_checks: UnknownChecks,
    pub(crate) tags: BTreeMap<String, TagSettings>,
    pub(crate) checks: BTreeMap<String, CheckSettings>,
}

/// What a name that no check has is taken for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum UnknownChecks {
    #[default]
    Error,
    /// One configuration for two releases.
    Warn,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TagSettings {
    pub(crate) enabled: Option<bool>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct CheckSettings {
    pub(crate) enabled: Option<bool>,
    pub(crate) description: Option<String>,
    pub(crate) liveness: Option<bool>,
    pub(crate) readiness: Option<bool>,
    pub(crate) startup: Option<bool>,
    pub(crate) tags: Option<Vec<String>>,
    pub(crate) critical: Option<bool>,
    pub(crate) external: Option<bool>,
    pub(crate) timeout: Option<String>,
    pub(crate) success_ttl: Option<String>,
    pub(crate) failed_ttl: Option<String>,
    pub(crate) interval: Option<String>,
    pub(crate) initial_delay: Option<String>,
    pub(crate) failure_threshold: Option<u32>,
    pub(crate) success_threshold: Option<u32>,
    pub(crate) depends_on: Option<Vec<String>>,
}

/// Reads a duration as the attribute does; `None` is "none".
pub(crate) fn duration(text: &str) -> Result<Option<Duration>, String> {
    if text.trim() == "none" {
        return Ok(None);
    }
    let refused = || format!("`{text}` is not a duration; write for example \"250ms\", \"2s\" or \"1m 30s\"");
    // A longer number overflows in every unit but the nanosecond, and the sum of several may in any.
    if text
        .split(|c: char| !c.is_ascii_digit())
        .any(|number| number.len() > 9)
    {
        return Err(refused());
    }
    // Of the months, which nobody means by one letter.
    if text.split(|c: char| !c.is_alphabetic()).any(|unit| unit == "M") {
        return Err(format!("{}; `M` would be months", refused()));
    }
    humantime::parse_duration(text).map(Some).map_err(|_| refused())
}
