//! The options of a check. The attribute, `Check` and the settings all use this type.

use std::borrow::Cow;
use std::time::Duration;

use super::rules;

/// The options of a check. In the three fields of type `Option<Option<Duration>>`, `None` means that the option isn't
/// set, and `Some(None)` means that it is set to "none".
///
/// `#[health_check]` or [`Check`](crate::Check) sets the options, and [`Settings`](crate::Settings) override them.
/// [`CheckInfo::options`](crate::CheckInfo::options) returns the effective options.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckOptions {
    /// Whether the check belongs to the liveness probe.
    pub liveness: bool,
    /// Whether the check belongs to the readiness probe. A check that sets none of the three probes also belongs to
    /// readiness.
    pub readiness: bool,
    /// Whether the check belongs to the startup probe.
    pub startup: bool,
    /// The tags of the check. A selection can select checks by tag.
    pub tags: Box<[Cow<'static, str>]>,
    /// Whether a failure of the check makes the overall status fail (`true`, the default) or only degrades it
    /// (`false`).
    pub critical: bool,
    /// Whether the check tests something outside of the process that other instances also use, such as a database.
    pub external: bool,
    /// The maximum duration of a run; `Some(None)` means that a run has no timeout.
    pub timeout: Option<Option<Duration>>,
    /// How long the result of a run that passes or warns is cached; `Some(None)` means that it isn't cached.
    pub success_ttl: Option<Option<Duration>>,
    /// How long the result of a run that fails is cached; `Some(None)` means that it isn't cached.
    pub failed_ttl: Option<Option<Duration>>,
    /// The interval of the check's background runs; `None` means that the check runs only when a caller needs its
    /// result.
    pub interval: Option<Duration>,
    /// The time between the start of the background loop and the first background run; `None` means no delay.
    pub initial_delay: Option<Duration>,
    /// How many runs in a row must fail before the check is shown as failing. Default: 1.
    pub failure_threshold: u32,
    /// How many runs in a row must pass before the check is shown as passing again. Default: 1.
    pub success_threshold: u32,
    /// How many runs in a row must warn before a passing check is shown as a warning. Default: 1.
    pub warn_threshold: u32,
    /// How long a failure is shown as a warning before it is shown as a failure. `None` means that a failure is never
    /// shown as a warning.
    ///
    /// This option has no effect until the check has passed once.
    pub fail_after: Option<Duration>,
    /// The names of other checks that this check depends on. While one of those other checks fails, this check isn't
    /// run.
    pub depends_on: Box<[Cow<'static, str>]>,
    critical_is_said: bool,
    /// The owner, runbook and instructions. We box them to save memory, since most checks have none.
    notes: Option<Box<Notes>>,
}

/// Texts that a report shows to operators while the check doesn't pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Notes {
    owner: Option<Cow<'static, str>>,
    runbook: Option<Cow<'static, str>>,
    when_it_fails: Option<Cow<'static, str>>,
}

impl Default for CheckOptions {
    /// Returns the options of a function with a plain `#[health_check]`, that is, an attribute that sets no option.
    fn default() -> Self {
        Self {
            liveness: false,
            readiness: false,
            startup: false,
            tags: Box::default(),
            critical: true,
            external: false,
            timeout: None,
            success_ttl: None,
            failed_ttl: None,
            interval: None,
            initial_delay: None,
            failure_threshold: 1,
            success_threshold: 1,
            warn_threshold: 1,
            fail_after: None,
            depends_on: Box::default(),
            critical_is_said: false,
            notes: None,
        }
    }
}

impl CheckOptions {
    /// Returns the owner of the check, whom operators contact when the check fails.
    #[must_use]
    pub fn owner(&self) -> Option<&str> {
        self.notes.as_ref()?.owner.as_deref()
    }

    /// Returns the address of the page that tells operators what to do when the check fails.
    #[must_use]
    pub fn runbook(&self) -> Option<&str> {
        self.notes.as_ref()?.runbook.as_deref()
    }

    /// Returns the text that tells operators what to do when the check fails.
    #[must_use]
    pub fn when_it_fails(&self) -> Option<&str> {
        self.notes.as_ref()?.when_it_fails.as_deref()
    }

    /// Returns true if `critical` was set explicitly, even to the default. A failure of an `external` check only
    /// degrades readiness, unless `critical` was set explicitly to true.
    #[must_use]
    pub const fn critical_is_said(&self) -> bool {
        self.critical_is_said
    }

    /// Returns true if the options set none of the three probes. Such a check belongs to readiness, unless the settings
    /// remove it from readiness.
    pub(crate) const fn names_no_probe(&self) -> bool {
        !(self.liveness || self.readiness || self.startup)
    }

    pub(crate) const fn set_critical(&mut self, yes: bool) {
        self.critical = yes;
        self.critical_is_said = true;
    }

    pub(crate) fn set_owner(&mut self, text: Cow<'static, str>) {
        self.notes_mut().owner = Some(text);
    }

    pub(crate) fn set_runbook(&mut self, text: Cow<'static, str>) {
        self.notes_mut().runbook = Some(text);
    }

    /// Sets the instructions for operators; a blank text removes the instructions.
    pub(crate) fn set_when_it_fails(&mut self, text: Cow<'static, str>) {
        self.notes_mut().when_it_fails = (!text.trim().is_empty()).then_some(text);
    }

    pub(super) const fn has_notes(&self) -> bool {
        self.notes.is_some()
    }

    pub(super) fn clear_notes(&mut self) {
        self.notes = None;
    }

    fn notes_mut(&mut self) -> &mut Notes {
        self.notes.get_or_insert_default()
    }

    /// Returns the texts of the options that were built at run time, so that the caller can redact them. The other
    /// texts come from an attribute: they are constants in the source and contain no secrets.
    pub(crate) fn own_texts_mut(&mut self) -> impl Iterator<Item = &mut String> {
        let notes = self.notes.as_deref_mut();
        let texts = notes.map(|it| [&mut it.owner, &mut it.runbook, &mut it.when_it_fails]);
        texts.into_iter().flatten().filter_map(|text| match text {
            Some(Cow::Owned(text)) => Some(text),
            _ => None,
        })
    }

    /// Returns a description of each problem of the options, such as a zero timeout or two options that contradict each
    /// other. The attribute rejects the same problems at compile time.
    pub(crate) fn problems(&self) -> Vec<String> {
        let has_ttl = self.success_ttl.is_some() || self.failed_ttl.is_some();
        let rules = [
            (
                self.timeout == Some(Some(Duration::ZERO)),
                "its time limit is zero: give it none for no limit",
            ),
            (self.interval == Some(Duration::ZERO), "its interval is zero"),
            (
                self.initial_delay == Some(Duration::ZERO),
                "its initial delay is zero: leave it out",
            ),
            (
                self.fail_after == Some(Duration::ZERO),
                "its `fail_after` is zero: leave it out for a check that fails at once",
            ),
            (
                self.initial_delay.is_some() && self.interval.is_none(),
                "it has an initial delay and no interval: only background checks have one",
            ),
            (
                has_ttl && self.interval.is_some(),
                "it has a TTL beside its interval: a background result holds until the next run; leave one of them out",
            ),
            (
                self.failure_threshold == 0,
                "its failure threshold is 0: the least is 1",
            ),
            (
                self.success_threshold == 0,
                "its success threshold is 0: the least is 1",
            ),
            (
                self.warn_threshold == 0,
                "its warn threshold is 0: the least is 1",
            ),
            (
                self.liveness && self.external,
                "it is a liveness check and external: a restart can't repair what lies outside of the process",
            ),
        ];
        let broken = rules.into_iter().filter(|(broken, _)| *broken);
        let mut problems: Vec<String> = broken.map(|(_, why)| why.to_owned()).collect();
        problems.extend(self.tags.iter().find_map(|tag| rules::tag(tag).err()));
        problems.extend(
            self.owner()
                .and_then(|text| rules::label("its owner", text).err()),
        );
        problems.extend(
            self.runbook()
                .and_then(|text| rules::label("its runbook", text).err()),
        );
        problems
    }
}

/// An option that the settings can set: the name of the option, and the function that sets its value.
pub(crate) struct Settable {
    pub(crate) key: &'static str,
    pub(crate) set: Set,
}

/// The function that sets an option. There is one variant for each type of value.
#[derive(Clone, Copy)]
pub(crate) enum Set {
    Flag(fn(&mut CheckOptions, bool)),
    Count(fn(&mut CheckOptions, u32)),
    /// Sets a duration. The argument `None` stands for the value "none".
    Duration(fn(&mut CheckOptions, Option<Duration>)),
    Text(fn(&mut CheckOptions, Cow<'static, str>)),
    Texts(fn(&mut CheckOptions, Box<[Cow<'static, str>]>)),
}

/// All options, in the order in which the settings apply them. `interval` comes before `initial_delay` and the TTLs,
/// since the setter of `interval` resets these options.
pub(crate) const SETTABLE: [Settable; 19] = {
    const fn of(key: &'static str, set: Set) -> Settable {
        Settable { key, set }
    }
    [
        of("liveness", Set::Flag(|options, yes| options.liveness = yes)),
        of("readiness", Set::Flag(|options, yes| options.readiness = yes)),
        of("startup", Set::Flag(|options, yes| options.startup = yes)),
        of("tags", Set::Texts(|options, tags| options.tags = tags)),
        of("critical", Set::Flag(CheckOptions::set_critical)),
        of("external", Set::Flag(|options, yes| options.external = yes)),
        of(
            "timeout",
            Set::Duration(|options, limit| options.timeout = Some(limit)),
        ),
        of("interval", Set::Duration(set_interval)),
        of(
            "initial_delay",
            Set::Duration(|options, delay| options.initial_delay = delay),
        ),
        of(
            "success_ttl",
            Set::Duration(|options, ttl| options.success_ttl = Some(ttl)),
        ),
        of(
            "failed_ttl",
            Set::Duration(|options, ttl| options.failed_ttl = Some(ttl)),
        ),
        of(
            "failure_threshold",
            Set::Count(|options, runs| options.failure_threshold = runs),
        ),
        of(
            "success_threshold",
            Set::Count(|options, runs| options.success_threshold = runs),
        ),
        of(
            "warn_threshold",
            Set::Count(|options, runs| options.warn_threshold = runs),
        ),
        of(
            "fail_after",
            Set::Duration(|options, time| options.fail_after = time),
        ),
        of(
            "depends_on",
            Set::Texts(|options, names| options.depends_on = names),
        ),
        of("owner", Set::Text(CheckOptions::set_owner)),
        of("runbook", Set::Text(CheckOptions::set_runbook)),
        of("when_it_fails", Set::Text(CheckOptions::set_when_it_fails)),
    ]
};

/// Sets the interval, and resets options from the code that contradict the new interval. A check with an interval has
/// no TTLs, and a check without an interval has no initial delay.
fn set_interval(options: &mut CheckOptions, interval: Option<Duration>) {
    options.interval = interval;
    if interval.is_some() {
        options.success_ttl = None;
        options.failed_ttl = None;
    } else {
        options.initial_delay = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Check;

    fn said_by_settings(yes: bool) -> CheckOptions {
        let mut options = CheckOptions::default();
        for option in SETTABLE.iter().filter(|option| option.key == "critical") {
            if let Set::Flag(set) = option.set {
                set(&mut options, yes);
            }
        }
        options
    }

    #[test]
    fn a_critical_that_is_written_is_told_from_the_default() {
        let default = CheckOptions::default();
        assert!(default.critical && !default.critical_is_said());
        for yes in [false, true] {
            let by_hand = Check::new("a", async || true).critical(yes);
            for options in [by_hand.info.options(), &said_by_settings(yes)] {
                assert!(options.critical == yes && options.critical_is_said());
            }
        }
    }

    #[test]
    fn an_interval_is_applied_before_what_it_takes_the_place_of() {
        let place = |key: &str| SETTABLE.iter().position(|option| option.key == key);
        for later in ["success_ttl", "failed_ttl", "initial_delay"] {
            assert!(place("interval") < place(later), "{later}");
        }
    }

    #[test]
    fn an_empty_text_says_nothing_to_do() {
        let mut options = CheckOptions::default();
        options.set_when_it_fails("\n ".into());
        assert_eq!(options.when_it_fails(), None);
    }
}
