//! The options of the checks: defaults, settings laid over them, and what can't be meant.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::Candidate;
use crate::check::CheckInfo;
use crate::engine::policy::Ttl;
use crate::settings::{CheckSettings, Settings, UnknownChecks, duration};

/// What holds for a check that doesn't say otherwise.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Defaults {
    pub(crate) timeout: Option<Duration>,
    pub(crate) success_ttl: Ttl,
    pub(crate) failed_ttl: Ttl,
}

impl Default for Defaults {
    /// 5 s, and the seed's 27 s and 9 s.
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

/// Names that are paths of the endpoint, or none at all.
pub(super) fn bad_names<'a>(checks: impl Iterator<Item = &'a CheckInfo>) -> Vec<String> {
    let bad = checks.filter_map(|info| {
        let why = match info.name() {
            "" => "it is empty",
            "." | ".." => "it is a step in a path",
            "history" | "openapi.json" => "this is an endpoint's own path",
            name if name.contains(['/', '?']) => "it holds `/` or `?`, and names stand in paths",
            name if name.contains(char::is_control) => "it holds a control character",
            name if name.trim() != name => "it begins or ends with a space",
            _ => return None,
        };
        Some(format!(
            "a check can't be named {:?} ({}): {why}",
            info.name(),
            info.location()
        ))
    });
    bad.collect()
}

/// Lays the settings for all checks over the defaults.
pub(super) fn apply_global(settings: &Settings, defaults: &mut Defaults, problems: &mut Vec<String>) {
    let read = |key: &str, text: &Option<String>, problems: &mut Vec<String>| {
        text.as_deref().and_then(|text| read(key, text, problems))
    };
    if let Some(limit) = read("timeout", &settings.timeout, problems) {
        defaults.timeout = limit;
    }
    if let Some(lasts) = read("success_ttl", &settings.success_ttl, problems) {
        defaults.success_ttl = Ttl::chosen(lasts);
    }
    if let Some(lasts) = read("failed_ttl", &settings.failed_ttl, problems) {
        defaults.failed_ttl = Ttl::chosen(lasts);
    }
    if defaults.timeout == Some(Duration::ZERO) {
        problems.push("the time limit of all checks is zero: write \"none\" for no limit".to_owned());
    }
}

/// Lays each check's settings over its options; gives the names of the disabled ones.
pub(super) fn apply(
    settings: &Settings,
    found: &mut [Candidate],
    problems: &mut Vec<String>,
    warnings: &mut Vec<String>,
) -> BTreeSet<String> {
    let mut disabled = BTreeSet::new();
    let mut unknown = Vec::new();
    let is_known =
        |found: &[Candidate], name: &str| found.binary_search_by(|it| it.info.name().cmp(name)).is_ok();
    for name in settings.checks.keys().filter(|name| !is_known(found, name)) {
        let known: Vec<&str> = found.iter().map(|it| it.info.name()).collect();
        unknown.push(format!(
            "settings: there is no check `{name}`; the checks are: {}",
            known.join(", ")
        ));
    }
    for Candidate { info, .. } in &mut *found {
        let set = settings.checks.get_key_value(info.name());
        let code_names_none = names_no_probe(info);
        if let Some((name, set)) = set {
            lay_over(Arc::make_mut(info), name, set, problems);
        }
        let may_belong_to_none = set.is_some_and(|(_, set)| set.readiness == Some(false));
        if code_names_none && !may_belong_to_none && names_no_probe(info) {
            Arc::make_mut(info).options_mut().readiness = true;
        }
    }
    // By the tags that the settings have given.
    for (tag, set) in &settings.tags {
        let tagged: Vec<String> = found
            .iter()
            .filter(|it| it.info.options().tags.iter().any(|own| own == tag))
            .map(|it| it.info.name().to_owned())
            .collect();
        if tagged.is_empty() {
            unknown.push(format!("settings: no check has the tag `{tag}`"));
        } else if set.enabled == Some(false) {
            disabled.extend(tagged);
        }
    }
    match settings.unknown_checks {
        UnknownChecks::Error => problems.append(&mut unknown),
        UnknownChecks::Warn => warnings.append(&mut unknown),
    }
    for (name, set) in &settings.checks {
        match set.enabled {
            Some(false) if is_known(found, name) => {
                disabled.insert(name.clone());
            }
            Some(true) => {
                disabled.remove(name);
            }
            _ => {}
        }
    }
    disabled
}

fn lay_over(info: &mut CheckInfo, name: &str, set: &CheckSettings, problems: &mut Vec<String>) {
    let mut read = |key: &str, text: &Option<String>| {
        text.as_deref()
            .and_then(|text| self::read(&format!("checks.{name}.{key}"), text, problems))
    };
    let timeout = read("timeout", &set.timeout);
    let success_ttl = read("success_ttl", &set.success_ttl);
    let failed_ttl = read("failed_ttl", &set.failed_ttl);
    let interval = read("interval", &set.interval);
    let initial_delay = read("initial_delay", &set.initial_delay);
    if let Some(text) = &set.description {
        info.describe(text.clone());
    }
    let options = info.options_mut();
    if interval == Some(None) {
        // Turned off: run when somebody asks, like any other.
        options.initial_delay = None;
    }
    if let Some(Some(_)) = interval {
        // The code's TTLs were for when somebody asks; those that the settings give beside it are refused.
        options.success_ttl = None;
        options.failed_ttl = None;
    }
    options.timeout = timeout.or(options.timeout);
    options.success_ttl = success_ttl.or(options.success_ttl);
    options.failed_ttl = failed_ttl.or(options.failed_ttl);
    options.interval = interval.unwrap_or(options.interval);
    options.initial_delay = initial_delay.unwrap_or(options.initial_delay);
    set_if(&mut options.liveness, set.liveness);
    set_if(&mut options.readiness, set.readiness);
    set_if(&mut options.startup, set.startup);
    set_if(&mut options.critical, set.critical);
    set_if(&mut options.external, set.external);
    set_if(&mut options.failure_threshold, set.failure_threshold);
    set_if(&mut options.success_threshold, set.success_threshold);
    set_if(&mut options.tags, set.tags.as_deref().map(owned));
    set_if(&mut options.depends_on, set.depends_on.as_deref().map(owned));
}

fn owned(names: &[String]) -> Box<[Cow<'static, str>]> {
    names.iter().cloned().map(Cow::Owned).collect()
}

fn set_if<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

fn read(key: &str, text: &str, problems: &mut Vec<String>) -> Option<Option<Duration>> {
    duration(text)
        .map_err(|why| problems.push(format!("settings: {key}: {why}")))
        .ok()
}

/// Then it is a readiness check, unless the settings say that it isn't.
fn names_no_probe(info: &CheckInfo) -> bool {
    let options = info.options();
    !(options.readiness || options.liveness || options.startup)
}

/// What the attribute refuses while compiling, for those that came another way.
pub(super) fn problems_of(info: &CheckInfo, settings: &Settings) -> Vec<String> {
    let options = info.options();
    let ttl = options.success_ttl.is_some() || options.failed_ttl.is_some();
    let rules = [
        (
            options.timeout == Some(Some(Duration::ZERO)),
            "its time limit is zero: give it none for no limit",
        ),
        (options.interval == Some(Duration::ZERO), "its interval is zero"),
        (
            options.initial_delay == Some(Duration::ZERO),
            "its initial delay is zero: leave it out",
        ),
        (
            options
                .tags
                .iter()
                .any(|tag| tag.is_empty() || tag.contains(char::is_control)),
            "a tag of it is empty or holds a control character",
        ),
        (
            options.initial_delay.is_some() && options.interval.is_none(),
            "it has an initial delay and no interval: only background checks have one",
        ),
        (
            ttl && options.interval.is_some(),
            "it has a TTL beside its interval: a background result holds until the next run; leave one of them out",
        ),
        (
            options.failure_threshold == 0,
            "its failure threshold is 0: the least is 1",
        ),
        (
            options.success_threshold == 0,
            "its success threshold is 0: the least is 1",
        ),
        (
            options.liveness && options.external,
            "it is a liveness check and external: a restart can't repair what lies outside of the process",
        ),
    ];
    let broken = rules.into_iter().filter(|(broken, _)| *broken);
    let set = if settings.checks.contains_key(info.name()) {
        format!(", with the settings of `checks.{}` over it", info.name())
    } else {
        String::new()
    };
    broken
        .map(|(_, why)| format!("the check `{}` ({}{set}): {why}", info.name(), info.location()))
        .collect()
}
