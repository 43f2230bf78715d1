//! The options of a check, one type for all that set them: the attribute, `Check` and the settings.

use std::borrow::Cow;
use std::time::Duration;

use super::rules;

/// The options of a check. Of the durations, `None` means that nobody set one and `Some(None)` is "none".
///
/// `#[health_check]`, [`Check`](crate::Check) and [`Settings`](crate::Settings) set them, in this order;
/// [`CheckInfo::options`](crate::CheckInfo::options) shows what holds in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckOptions {
    /// Belongs to the liveness probe.
    pub liveness: bool,
    /// Belongs to the readiness probe; so does a check that names no probe.
    pub readiness: bool,
    /// Belongs to the startup probe.
    pub startup: bool,
    /// Tags to select by.
    pub tags: Box<[Cow<'static, str>]>,
    /// Whether its failure fails the whole; default true. Otherwise it degrades it.
    pub critical: bool,
    /// Whether what it looks at lies outside of the process and is shared with other instances.
    pub external: bool,
    /// How long a run may take; `Some(None)`: without a limit.
    pub timeout: Option<Option<Duration>>,
    /// For how long a pass or warning is cached; `Some(None)`: not at all.
    pub success_ttl: Option<Option<Duration>>,
    /// For how long a failure is cached; `Some(None)`: not at all.
    pub failed_ttl: Option<Option<Duration>>,
    /// How often it runs in the background; `None`: it runs when a caller asks.
    pub interval: Option<Duration>,
    /// How long after the start the first background run begins.
    pub initial_delay: Option<Duration>,
    /// How many runs in a row have to fail before it is shown as failing; default 1.
    pub failure_threshold: u32,
    /// How many runs in a row have to pass before it is shown as passing again; default 1.
    pub success_threshold: u32,
    /// How many runs in a row have to warn before it is shown as a warning and not as passing; default 1.
    pub warn_threshold: u32,
    /// After its first pass, a failure is shown as a warning until it has lasted that long; `None`: it fails at once.
    pub fail_after: Option<Duration>,
    /// The checks that have to pass before this one is run.
    pub depends_on: Box<[Cow<'static, str>]>,
    critical_is_said: bool,
    /// Few checks have any, and 10,000 checks without should not pay for them.
    notes: Option<Box<Notes>>,
}

/// What a person reads beside a check that doesn't pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Notes {
    owner: Option<Cow<'static, str>>,
    runbook: Option<Cow<'static, str>>,
    when_it_fails: Option<Cow<'static, str>>,
}

impl Default for CheckOptions {
    /// What `#[health_check]` means without options.
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
    /// Who looks after what the check looks at.
    #[must_use]
    pub fn owner(&self) -> Option<&str> {
        self.notes.as_ref()?.owner.as_deref()
    }

    /// Where it stands what to do when the check fails: the address of a page.
    #[must_use]
    pub fn runbook(&self) -> Option<&str> {
        self.notes.as_ref()?.runbook.as_deref()
    }

    /// What to do when the check fails.
    #[must_use]
    pub fn when_it_fails(&self) -> Option<&str> {
        self.notes.as_ref()?.when_it_fails.as_deref()
    }

    /// Whether `critical` was written, be it the default: an `external` check degrades readiness only where it wasn't.
    #[must_use]
    pub const fn critical_is_said(&self) -> bool {
        self.critical_is_said
    }

    /// Whether no probe is named. Such a check belongs to readiness, unless the settings take it out.
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

    /// An empty text is none.
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

    /// The texts that were made while the program ran, which a secret may have got into; those of an attribute are part
    /// of the source.
    pub(crate) fn own_texts_mut(&mut self) -> impl Iterator<Item = &mut String> {
        let notes = self.notes.as_deref_mut();
        let texts = notes.map(|it| [&mut it.owner, &mut it.runbook, &mut it.when_it_fails]);
        texts.into_iter().flatten().filter_map(|text| match text {
            Some(Cow::Owned(text)) => Some(text),
            _ => None,
        })
    }

    /// What the options can't mean, alone or together. The attribute refuses the same while compiling.
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

/// An option by its key, as the attribute and the settings write it.
pub(crate) struct Settable {
    pub(crate) key: &'static str,
    pub(crate) set: Set,
}

/// How a value of each kind gets into the options.
#[derive(Clone, Copy)]
pub(crate) enum Set {
    Flag(fn(&mut CheckOptions, bool)),
    Count(fn(&mut CheckOptions, u32)),
    /// `None` is "none".
    Duration(fn(&mut CheckOptions, Option<Duration>)),
    Text(fn(&mut CheckOptions, Cow<'static, str>)),
    Texts(fn(&mut CheckOptions, Box<[Cow<'static, str>]>)),
}

/// Every option. Settings apply them in this order: an interval comes before what it takes the place of.
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

/// The code's TTLs were for a check that runs when a caller asks, its initial delay for one that doesn't.
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
