//! Collects the checks and sections that are annotated in the binary or added to the builder, and sorts them by name.
//! Binds the parameters of annotated functions to the provided values.
//!
//! If there are several problems, reports all of them in one error.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::check::Check;
use crate::model::policy::{Policy, Ttl};
use crate::model::{CheckInfo, rules};
use crate::provide::{Binder, Missing, Provided};
use crate::redact::Redaction;
use crate::registration::{CheckRegistration, RegisteredCheck, SectionRegistration};
use crate::run::{Bind, Run};
use crate::settings::Settings;
use crate::world::{NewCheck, Subject};

mod dependencies;
mod options;

pub(crate) use options::Defaults;

/// The arguments of the function [`checks`], which collects the checks.
pub(crate) struct Sources<'a> {
    pub(crate) discover: bool,
    pub(crate) by_hand: Vec<Check>,
    /// Checks of the builder, each of which replaces the discovered check of the same name.
    pub(crate) replacements: Vec<Check>,
    /// The names of the discovered checks to keep. The checks that they depend on are kept too. `None` keeps all
    /// discovered checks.
    pub(crate) only: Option<&'a [String]>,
    pub(crate) provided: &'a Provided,
    pub(crate) settings: &'a Settings,
    pub(crate) expected: &'a [String],
    pub(crate) defaults: Defaults,
    /// Redacts the texts of checks: description, owner, runbook and instructions.
    pub(crate) redaction: &'a Redaction,
}

/// The return value of the function [`checks`], which collects the checks.
pub(crate) struct Checks {
    /// The checks that can run, sorted by name.
    pub(crate) checks: Vec<(NewCheck, Run)>,
    /// The checks that the settings disable. They don't run, but other checks may depend on them.
    pub(crate) disabled: Vec<Arc<CheckInfo>>,
    pub(crate) warnings: Vec<String>,
    /// The default options of checks, after the settings have overridden them.
    pub(crate) defaults: Defaults,
}

/// A collected check. Its parameters may not be bound to provided values yet.
struct Candidate {
    info: Arc<CheckInfo>,
    binding: Binding,
}

/// The function of a check or section, with or without bound parameters.
enum Binding {
    /// A function that needs no provided values, because it comes from the builder or is built in.
    Ready(Run),
    /// An annotated function. Its parameters aren't bound to provided values yet.
    Registered(Bind),
}

/// Collects and validates all checks. Adds every problem to `problems`.
pub(crate) fn checks(sources: Sources<'_>, problems: &mut Vec<String>) -> Checks {
    let mut warnings = Vec::new();
    let mut found = gather(sources.discover, sources.by_hand);
    replace(&mut found, sources.replacements, problems);
    problems.extend(options::bad_names(found.iter().map(|it| &*it.info)));
    problems.extend(duplicates(&found));
    let left_out = leave_out(&mut found, sources.only, problems);
    let all_names: Vec<Cow<'static, str>> = found.iter().map(|it| it.info.shared_name()).collect();
    problems.extend(missing(sources.expected, &all_names, &left_out));

    let mut defaults = sources.defaults;
    options::apply_global(sources.settings, &mut defaults, problems);
    for candidate in &mut found {
        options::lay_over(sources.settings, &mut candidate.info, problems);
    }
    let disabled = options::disabled(sources.settings, &found, &left_out, problems, &mut warnings);
    let (out, mut found): (Vec<_>, Vec<_>) = found
        .into_iter()
        .partition(|it| disabled.contains(it.info.name()));
    found.dedup_by(|one, other| one.info.name() == other.info.name());

    let mut policies = Policies::default();
    let mut checks: Vec<(NewCheck, Run)> = Vec::with_capacity(found.len());
    let mut infos = Vec::with_capacity(found.len());
    for Candidate { info, binding } in found {
        problems.extend(options::problems_of(&info, sources.settings));
        let at = || info.location();
        if let Some(run) = bind(binding, sources.provided, "check", info.name(), at, problems) {
            infos.push(Arc::clone(&info));
            let policy = policies.shared(policy(&info, &defaults));
            checks.push(new_check(redacted(info, sources.redaction), run, policy));
        }
    }
    dependencies::find_problems(&infos, &all_names, problems);
    for candidate in &out {
        if let Binding::Registered(bind) = candidate.binding {
            // `bind.resolve` records which provided values this disabled check takes. Without the record, a warning
            // would say that no check takes these values.
            bind.resolve(&mut Binder::new(sources.provided));
        }
    }
    Checks {
        checks,
        disabled: out.into_iter().map(|it| it.info).collect(),
        warnings,
        defaults,
    }
}

/// The existing checks, settings and defaults. We use them to validate a check that is added at run time.
pub(crate) struct Present<'a> {
    /// The checks that aren't disabled, sorted by name.
    pub(crate) infos: Vec<Arc<CheckInfo>>,
    /// The disabled checks.
    pub(crate) disabled: Vec<Arc<CheckInfo>>,
    pub(crate) settings: &'a Settings,
    pub(crate) defaults: Defaults,
}

/// The result of validating a check that is added at run time.
pub(crate) enum Added {
    Check(NewCheck, Run),
    /// The settings disable the check, or there is already a disabled check of that name.
    Disabled(Arc<CheckInfo>),
}

/// Prepares a check that is added at run time: applies the settings, validates the check's options and redacts its
/// texts.
///
/// The caller must not hold a lock, because this function calls the user's redaction rules.
pub(crate) fn prepared(
    info: CheckInfo,
    settings: &Settings,
    redaction: &Redaction,
    problems: &mut Vec<String>,
) -> Arc<CheckInfo> {
    let mut info = Arc::new(info);
    problems.extend(options::bad_names(std::iter::once(&*info)));
    options::lay_over(settings, &mut info, problems);
    problems.extend(options::problems_of(&info, settings));
    redacted(info, redaction)
}

/// Validates the name and the dependencies of a check against the existing checks. `info` is the return value of
/// `prepared`. Adds every problem to `problems`.
///
/// The caller holds the runner's lock, and has another clone of `run`. So dropping `run` here doesn't drop the user's
/// function while the lock is held.
pub(crate) fn added(
    info: Arc<CheckInfo>,
    run: Run,
    present: Present<'_>,
    problems: &mut Vec<String>,
) -> Added {
    let same = present.infos.iter().find(|there| there.name() == info.name());
    problems.extend(same.map(|same| {
        format!(
            "two checks are named `{}`: {} and {}; rename one of them, or remove the other one first",
            same.name(),
            same.location(),
            info.location()
        )
    }));
    let taken_out = present.disabled.iter().any(|it| it.name() == info.name());
    if taken_out || options::is_disabled(present.settings, &info) {
        return Added::Disabled(info);
    }
    let mut infos = present.infos;
    let gone = |info: &&Arc<CheckInfo>| infos.iter().all(|there| there.name() != info.name());
    let mut all_names: Vec<Cow<'static, str>> = present
        .disabled
        .iter()
        .filter(gone)
        .map(|it| it.shared_name())
        .collect();
    // If an existing check depends on a removed check, this causes only a warning and no error. So we treat all names
    // on which existing checks depend as known.
    //
    // If the new check depends on a name, a check with this name must exist.
    let declared = infos
        .iter()
        .flat_map(|info| info.options().depends_on.iter().cloned());
    let known: Vec<Cow<'static, str>> = declared.collect();
    let removed: Vec<_> = known
        .into_iter()
        .filter(|name| !info.options().depends_on.contains(name))
        .collect();
    infos.push(Arc::clone(&info));
    infos.sort_by(|one, other| one.name().cmp(other.name()));
    all_names.extend(infos.iter().map(|info| info.shared_name()));
    all_names.extend(removed);
    all_names.sort_unstable();
    all_names.dedup();
    dependencies::find_problems(&infos, &all_names, problems);
    let policy = Arc::new(policy(&info, &present.defaults));
    let (check, run) = new_check(info, run, policy);
    Added::Check(check, run)
}

fn new_check(info: Arc<CheckInfo>, run: Run, policy: Arc<Policy>) -> (NewCheck, Run) {
    let check = NewCheck {
        subject: Subject::Check(info),
        policy,
        is_async: run.is_async(),
    };
    (check, run)
}

/// Redacts the texts, such as the description, that the application built for a check at run time.
///
/// Texts that are constants in the source contain no secrets. This function doesn't change them.
fn redacted(mut info: Arc<CheckInfo>, redaction: &Redaction) -> Arc<CheckInfo> {
    if !info.has_own_texts() {
        return info;
    }
    for text in Arc::make_mut(&mut info).own_texts_mut() {
        let shown = redaction.text(text);
        if shown != *text {
            *text = shown.into_owned();
        }
    }
    info
}

/// Replaces each discovered check whose name is the name of a replacement.
///
/// If no discovered check has the name of a replacement, adds a problem. A check of the builder isn't a discovered
/// check. A check that was already replaced isn't one either.
fn replace(found: &mut [Candidate], replacements: Vec<Check>, problems: &mut Vec<String>) {
    for check in replacements {
        let name = check.info.name();
        let is_discovered = |it: &&mut Candidate| matches!(it.binding, Binding::Registered(_));
        match found
            .iter_mut()
            .filter(is_discovered)
            .find(|it| it.info.name() == name)
        {
            Some(place) => {
                *place = Candidate {
                    binding: Binding::Ready(check.run),
                    info: Arc::new(check.info),
                };
            }
            None => problems.push(format!(
                "there is no discovered check `{name}` to replace ({}): add yours with `.check(…)`",
                check.info.location()
            )),
        }
    }
}

/// Removes the discovered checks that `only` leaves out, and returns their names.
///
/// Keeps the discovered checks whose names are in `only`, and the checks on which they depend. If `only` is `None`,
/// keeps all checks.
fn leave_out(
    found: &mut Vec<Candidate>,
    only: Option<&[String]>,
    problems: &mut Vec<String>,
) -> BTreeSet<String> {
    let Some(only) = only else {
        return BTreeSet::new();
    };
    let mut wanted: BTreeSet<String> = BTreeSet::new();
    let mut next: Vec<String> = only.to_vec();
    for name in only {
        if !found.iter().any(|it| it.info.name() == name) {
            problems.push(format!(
                "`only` names `{name}`, which is no check; a crate that nothing refers to isn't linked: \
                 write `use the_crate as _;`"
            ));
        }
    }
    while let Some(name) = next.pop() {
        if let Some(candidate) = found.iter().find(|it| it.info.name() == name) {
            next.extend(
                candidate
                    .info
                    .options()
                    .depends_on
                    .iter()
                    .map(ToString::to_string)
                    .filter(|on| !wanted.contains(on)),
            );
        }
        wanted.insert(name);
    }
    let is_out =
        |it: &Candidate| matches!(it.binding, Binding::Registered(_)) && !wanted.contains(it.info.name());
    let left_out = found
        .iter()
        .filter(|it| is_out(it))
        .map(|it| it.info.name().to_owned())
        .collect();
    found.retain(|it| !is_out(it));
    left_out
}

/// The arguments of the function [`sections`], which collects the sections.
pub(crate) struct SectionSources<'a> {
    pub(crate) built_in: Vec<(String, Run)>,
    pub(crate) discovered: Vec<&'static SectionRegistration>,
    pub(crate) by_hand: Vec<(String, Run)>,
    /// The names of the builder's sections with a fixed value.
    pub(crate) fixed: &'a [&'a str],
    pub(crate) provided: &'a Provided,
}

/// Returns a warning for each provided value that no annotated function of the binary takes as a parameter.
pub(crate) fn provided_in_vain(provided: &Provided) -> Vec<String> {
    for section in discovered_sections() {
        section.bind.resolve(&mut Binder::new(provided));
    }
    provided.in_vain()
}

const BUILT_IN: &str = "built in";
const BY_HAND: &str = "given to the builder";

/// Returns the sections whose values come from functions, sorted by name. Adds every problem with a section to
/// `problems`.
pub(crate) fn sections(
    sources: SectionSources<'_>,
    policy: &Arc<Policy>,
    problems: &mut Vec<String>,
) -> Vec<(NewCheck, Run)> {
    let SectionSources {
        built_in,
        discovered,
        by_hand,
        fixed,
        provided,
    } = sources;
    let mut sections = Vec::new();
    let mut taken: HashMap<String, String> = HashMap::new();
    let mut take = |name: &str, at: &str, problems: &mut Vec<String>| {
        let before = taken.insert(name.to_owned(), at.to_owned());
        problems.extend(before.as_deref().map(|before| doubled(name, before, at)));
        before.is_none()
    };
    let registered = discovered.into_iter().map(|it| {
        let at = format!("{}:{}", it.origin.file, it.origin.line);
        (Cow::Borrowed(it.name), at, Binding::Registered(it.bind))
    });
    let ready = |at: &'static str| move |(name, run)| (Cow::Owned(name), at.to_owned(), Binding::Ready(run));
    let built_in = built_in.into_iter().map(ready(BUILT_IN));
    let by_hand = by_hand.into_iter().map(ready(BY_HAND));
    let mut all: Vec<_> = built_in.chain(registered).chain(by_hand).collect();
    all.sort_by(|(one, one_at, _), (other, other_at, _)| (one, one_at).cmp(&(other, other_at)));
    for name in fixed {
        take(name, BY_HAND, problems);
    }
    for (name, at, binding) in all {
        if !take(&name, &at, problems) {
            continue;
        }
        if let Some(run) = bind(binding, provided, "section", &name, || at.clone(), problems) {
            let section = NewCheck {
                subject: Subject::Section(name),
                policy: Arc::clone(policy),
                is_async: run.is_async(),
            };
            sections.push((section, run));
        }
    }
    sections
}

fn doubled(name: &str, one: &str, other: &str) -> String {
    let instead = if [one, other].contains(&BUILT_IN) {
        format!("rename yours, or leave out the built-in one by `include_{name}(false)`")
    } else {
        "rename one of them".to_owned()
    };
    format!("two sections are named `{name}`: {one} and {other}; {instead}")
}

/// Adds a problem to `problems` for each name that a section must not have.
pub(crate) fn section_names<'a>(
    names: impl IntoIterator<Item = &'a str>,
    in_health: bool,
    problems: &mut Vec<String>,
) {
    let bad = names
        .into_iter()
        .filter_map(|name| rules::section_name(name, in_health).err());
    problems.extend(bad);
}

/// Returns the registrations of all checks in the binary that have the attribute `#[health_check]`.
fn discovered_checks() -> impl Iterator<Item = CheckRegistration> {
    inventory::iter::<RegisteredCheck>
        .into_iter()
        .map(|check| (check.0)())
}

/// Returns the registrations of all sections in the binary that have the attribute `#[env_section]`.
pub(crate) fn discovered_sections() -> impl Iterator<Item = &'static SectionRegistration> {
    inventory::iter::<SectionRegistration>.into_iter()
}

/// Returns the name and version of the binary's package.
///
/// The name and version come from a `#[health_check]` or `#[env_section]` function. This function must be in the crate
/// that has the same name as the executable. If that crate has no such function, returns `None`.
pub(crate) fn own_package() -> Option<(&'static str, &'static str)> {
    let executable = std::env::current_exe().ok()?;
    let own = executable.file_stem()?.to_str()?.replace('-', "_");
    let checks = discovered_checks().map(|check| check.origin);
    let mut origins = checks.chain(discovered_sections().map(|section| section.origin));
    let origin = origins.find(|origin| origin.module.split("::").next() == Some(&own))?;
    origin.package.0.zip(origin.package.1)
}

fn gather(discover: bool, by_hand: Vec<Check>) -> Vec<Candidate> {
    let discovered = discover
        .then(discovered_checks)
        .into_iter()
        .flatten()
        .map(|it| Candidate {
            binding: Binding::Registered(it.bind),
            info: Arc::new(it.info()),
        });
    let by_hand = by_hand.into_iter().map(|check| Candidate {
        info: Arc::new(check.info),
        binding: Binding::Ready(check.run),
    });
    let mut found: Vec<_> = discovered.chain(by_hand).collect();
    // The linker's order of the checks can differ between builds. After sorting, the order is always the same.
    found.sort_by(|one, other| {
        let (one, other) = (&one.info, &other.info);
        let places = || (one.file(), one.line()).cmp(&(other.file(), other.line()));
        one.name().cmp(other.name()).then_with(places)
    });
    found
}

fn duplicates(sorted: &[Candidate]) -> Vec<String> {
    let groups = sorted.chunk_by(|one, other| one.info.name() == other.info.name());
    groups
        .filter(|group| group.len() > 1)
        .map(|group| {
            let places: Vec<String> = group.iter().map(|it| it.info.location()).collect();
            let count = if group.len() == 2 {
                "two".to_owned()
            } else {
                group.len().to_string()
            };
            let name = group.first().map_or("", |it| it.info.name());
            format!(
                "{count} checks are named `{name}`: {}; rename all but one",
                places.join(" and ")
            )
        })
        .collect()
}

fn missing(expected: &[String], sorted: &[Cow<'static, str>], left_out: &BTreeSet<String>) -> Vec<String> {
    let missing = expected
        .iter()
        .filter(|name| sorted.binary_search_by(|it| (**it).cmp(name)).is_err() && !left_out.contains(*name));
    missing
        .map(|name| {
            format!(
                "the check `{name}` is expected and isn't there; a crate that nothing names isn't linked: \
                 write `use the_crate as _;`"
            )
        })
        .collect()
}

fn bind(
    binding: Binding,
    provided: &Provided,
    kind: &str,
    name: &str,
    at: impl Fn() -> String,
    problems: &mut Vec<String>,
) -> Option<Run> {
    let registered = match binding {
        Binding::Ready(run) => return Some(run),
        Binding::Registered(bind) => bind,
    };
    let mut binder = Binder::new(provided);
    let run = registered.resolve(&mut binder);
    let missing = binder.into_missing();
    if missing.is_empty() {
        return run;
    }
    let at = at();
    let known = match provided.names() {
        [] => "nothing is provided".to_owned(),
        names => format!("provided are: {}", names.join(", ")),
    };
    problems.extend(missing.into_iter().map(|Missing { name: ty, instead }| {
        let instead = match instead {
            Some(instead) => format!("take `{instead}`, which is provided"),
            None => format!("write `.provide(value)` with a value of exactly this type ({known})"),
        };
        format!("the {kind} `{name}` ({at}) needs a `{ty}`, which nobody provided; {instead}")
    }));
    run
}

/// Lets checks with equal policies (timeout, TTLs, thresholds) share one `Policy`.
///
/// Most checks have the same policy as the check before them. Therefore, `shared` first compares a policy with
/// `latest`.
#[derive(Default)]
struct Policies {
    known: HashMap<Policy, Arc<Policy>>,
    latest: Option<Arc<Policy>>,
}

impl Policies {
    fn shared(&mut self, policy: Policy) -> Arc<Policy> {
        if let Some(latest) = self.latest.as_ref().filter(|latest| ***latest == policy) {
            return Arc::clone(latest);
        }
        let known = self.known.entry(policy).or_insert_with(|| Arc::new(policy));
        Arc::clone(self.latest.insert(Arc::clone(known)))
    }
}

fn policy(info: &CheckInfo, defaults: &Defaults) -> Policy {
    let options = info.options();
    let ttl = |own: Option<Option<std::time::Duration>>, default: Ttl| own.map_or(default, Ttl::chosen);
    Policy {
        limit: options.timeout.unwrap_or(defaults.timeout),
        success_ttl: ttl(options.success_ttl, defaults.success_ttl),
        failed_ttl: ttl(options.failed_ttl, defaults.failed_ttl),
        interval: options.interval,
        initial_delay: options.initial_delay,
        failure_threshold: options.failure_threshold,
        success_threshold: options.success_threshold,
        warn_threshold: options.warn_threshold,
        fail_after: options.fail_after,
        latches: options.startup,
        only_startup: options.startup && !options.readiness && !options.liveness,
    }
}
