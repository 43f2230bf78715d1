//! Computes the effective options of checks: applies the defaults and the settings to the options in the code, and
//! validates the result.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::Candidate;
use crate::model::policy::Ttl;
use crate::model::{CheckInfo, rules};
use crate::settings::{Settings, duration, problem};

/// The timeout and the TTLs of checks that don't set these options themselves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Defaults {
    pub(crate) timeout: Option<Duration>,
    pub(crate) success_ttl: Ttl,
    pub(crate) failed_ttl: Ttl,
}

impl Default for Defaults {
    /// Returns a timeout of 5 s, a TTL of 27 s for passes, and a TTL of 9 s for failures. The TTLs are those of
    /// py-healthcheck.
    fn default() -> Self {
        let unchosen = |seconds| Ttl {
            lasts: Some(Duration::from_secs(seconds)),
            chosen: false,
        };
        Self {
            timeout: Some(Duration::from_secs(5)),
            success_ttl: unchosen(27),
            failed_ttl: unchosen(9),
        }
    }
}

/// Returns a problem for each check whose name is invalid.
pub(super) fn bad_names<'a>(checks: impl Iterator<Item = &'a CheckInfo>) -> Vec<String> {
    let bad = checks.filter_map(|info| {
        let problem = rules::check_name(info.name()).err()?;
        Some(format!("{problem} ({})", info.location()))
    });
    bad.collect()
}

/// Overrides the defaults by the settings that apply to all checks. Adds a problem for each bad value.
pub(super) fn apply_global(settings: &Settings, defaults: &mut Defaults, problems: &mut Vec<String>) {
    problems.extend(settings.problems());
    let mut read = |key: &str, value: &Value| {
        let read = duration(value).map_err(|why| problems.push(problem(key, &why)));
        read.unwrap_or_default()
    };
    if let Some(limit) = read("timeout", &settings.timeout) {
        defaults.timeout = limit;
    }
    if let Some(lasts) = read("success_ttl", &settings.success_ttl) {
        defaults.success_ttl = Ttl::chosen(lasts);
    }
    if let Some(lasts) = read("failed_ttl", &settings.failed_ttl) {
        defaults.failed_ttl = Ttl::chosen(lasts);
    }
    if defaults.timeout == Some(Duration::ZERO) {
        problems.push("the time limit of all checks is zero: write \"none\" for no limit".to_owned());
    }
}

/// Applies the settings of one check to its options.
///
/// If the code and the settings name no probe for the check, adds it to readiness. If the settings contain
/// `readiness = false`, doesn't add it.
pub(super) fn lay_over(settings: &Settings, info: &mut Arc<CheckInfo>, problems: &mut Vec<String>) {
    let set = settings.checks.get_key_value(info.name());
    let code_names_none = info.options().names_no_probe();
    if let Some((name, set)) = set {
        set.apply(name, Arc::make_mut(info), problems);
    }
    let may_belong_to_none = set.is_some_and(|(_, set)| set.leaves_readiness());
    if code_names_none && !may_belong_to_none && info.options().names_no_probe() {
        Arc::make_mut(info).options_mut().readiness = true;
    }
}

/// Returns the names of the checks that the settings disable.
///
/// Adds a problem or a warning for each unknown name or tag in the settings. `left_out` contains the names of the
/// checks that `only` has removed. These names are known.
pub(super) fn disabled(
    settings: &Settings,
    found: &[Candidate],
    left_out: &BTreeSet<String>,
    problems: &mut Vec<String>,
    warnings: &mut Vec<String>,
) -> BTreeSet<String> {
    let is_known =
        |name: &str| found.binary_search_by(|it| it.info.name().cmp(name)).is_ok() || left_out.contains(name);
    let mut unknown = Vec::new();
    for name in settings.checks.keys().filter(|name| !is_known(name)) {
        let known: Vec<&str> = found.iter().map(|it| it.info.name()).collect();
        unknown.push(format!(
            "settings: there is no check `{name}`; the checks are: {}",
            known.join(", ")
        ));
    }
    let is_tagged = |tag: &str| {
        found
            .iter()
            .any(|it| it.info.options().tags.iter().any(|own| own == tag))
    };
    if left_out.is_empty() {
        let tags = settings.tags.keys().filter(|tag| !is_tagged(tag));
        unknown.extend(tags.map(|tag| format!("settings: no check has the tag `{tag}`")));
    }
    if settings.warns_of_unknown() {
        warnings.append(&mut unknown);
    } else {
        problems.append(&mut unknown);
    }
    let out = found.iter().filter(|it| is_disabled(settings, &it.info));
    out.map(|it| it.info.name().to_owned()).collect()
}

/// Returns true if the settings disable the check. The setting `enabled` of the check decides. Without this setting,
/// the check is disabled if one of its tags is disabled.
pub(super) fn is_disabled(settings: &Settings, info: &CheckInfo) -> bool {
    let set = settings.checks.get(info.name()).and_then(|set| set.enabled());
    let by_tag = || {
        let mut tags = info
            .options()
            .tags
            .iter()
            .filter_map(|tag| settings.tags.get(&**tag));
        tags.any(|set| set.disables())
    };
    set.map_or_else(by_tag, |enabled| !enabled)
}

/// Returns the problems with the options of a check.
///
/// If an attribute contains such options, the macro reports the same problems at compile time. The options of a `Check`
/// and of the settings are known only at run time.
pub(super) fn problems_of(info: &CheckInfo, settings: &Settings) -> Vec<String> {
    let set = if settings.checks.contains_key(info.name()) {
        format!(", with the settings of `checks.{}` over it", info.name())
    } else {
        String::new()
    };
    let problems = info.options().problems().into_iter();
    problems
        .map(|why| format!("the check `{}` ({}{set}): {why}", info.name(), info.location()))
        .collect()
}
