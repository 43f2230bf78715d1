//! All checks and sections of a `HealthCheck`, from inventory or by hand: sorted, bound to what they need, and with
//! every problem found at once.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use crate::check::{Check, CheckInfo};
use crate::engine::policy::{Policy, Ttl};
use crate::engine::verdict::Thresholds;
use crate::engine::{Slot, Subject};
use crate::model::rules;
use crate::provide::{Binder, Missing, Provided};
use crate::registration::{CheckRegistration, RegisteredCheck, SectionRegistration};
use crate::run::{Bind, Run};
use crate::settings::Settings;

mod dependencies;
mod options;

pub(crate) use options::Defaults;

/// What goes into a registry.
pub(crate) struct Sources<'a> {
    pub(crate) discover: bool,
    pub(crate) by_hand: Vec<Check>,
    pub(crate) provided: &'a Provided,
    pub(crate) settings: &'a Settings,
    pub(crate) expected: &'a [String],
    pub(crate) defaults: Defaults,
}

/// What came out: the checks' slots, by name, and what to warn of.
pub(crate) struct Checks {
    pub(crate) slots: Vec<Slot>,
    pub(crate) warnings: Vec<String>,
    /// The defaults, with the settings laid over them.
    pub(crate) defaults: Defaults,
}

/// A check that was found.
struct Candidate {
    info: Arc<CheckInfo>,
    binding: Binding,
}

/// How a candidate gets what it needs.
enum Binding {
    Ready(Run),
    Registered(Bind),
}

/// Puts the checks together; what is wrong goes into `problems`.
pub(crate) fn checks(sources: Sources<'_>, problems: &mut Vec<String>) -> Checks {
    let mut warnings = Vec::new();
    let mut found = gather(sources.discover, sources.by_hand);
    problems.extend(options::bad_names(found.iter().map(|it| &*it.info)));
    problems.extend(duplicates(&found));
    let all_names: Vec<Cow<'static, str>> = found.iter().map(|it| it.info.shared_name()).collect();
    problems.extend(missing(sources.expected, &all_names));

    let mut defaults = sources.defaults;
    options::apply_global(sources.settings, &mut defaults, problems);
    let disabled = options::apply(sources.settings, &mut found, problems, &mut warnings);
    found.retain(|it| !disabled.contains(it.info.name()));
    found.dedup_by(|one, other| one.info.name() == other.info.name());

    let mut infos = Vec::with_capacity(found.len());
    let mut runs = Vec::with_capacity(found.len());
    for Candidate { info, binding } in found {
        problems.extend(options::problems_of(&info, sources.settings));
        let at = || info.location();
        if let Some(run) = bind(binding, sources.provided, "check", info.name(), at, problems) {
            infos.push(info);
            runs.push(run);
        }
    }
    let graph = dependencies::Graph::new(&mut infos, &all_names, problems, &mut warnings);

    let mut policies = Policies::default();
    let parts = infos.into_iter().zip(runs).zip(graph.edges);
    let slots = parts.map(|((info, run), edges)| {
        let policy = policies.shared(policy(&info, &defaults));
        let mut slot = Slot::new(Subject::Check(info), run, policy);
        slot.depends_on = edges.depends_on.into_boxed_slice();
        slot.dependants = edges.dependants.into_boxed_slice();
        slot
    });
    Checks {
        slots: slots.collect(),
        warnings,
        defaults,
    }
}

/// Where the sections of a body come from.
pub(crate) struct SectionSources<'a> {
    pub(crate) built_in: Vec<(String, Run)>,
    pub(crate) discovered: Vec<&'static SectionRegistration>,
    pub(crate) by_hand: Vec<(String, Run)>,
    /// The names of those whose values never change, which come from the builder too.
    pub(crate) fixed: &'a [&'a str],
    pub(crate) provided: &'a Provided,
}

const BUILT_IN: &str = "built in";
const BY_HAND: &str = "given to the builder";

/// The sections of a body that are functions, by name.
pub(crate) fn sections(
    sources: SectionSources<'_>,
    policy: &Arc<Policy>,
    problems: &mut Vec<String>,
) -> Vec<Slot> {
    let SectionSources {
        built_in,
        discovered,
        by_hand,
        fixed,
        provided,
    } = sources;
    let mut slots = Vec::new();
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
            slots.push(Slot::new(Subject::Section(name), run, Arc::clone(policy)));
        }
    }
    slots
}

fn doubled(name: &str, one: &str, other: &str) -> String {
    let instead = if [one, other].contains(&BUILT_IN) {
        format!("rename yours, or leave out the built-in one by `include_{name}(false)`")
    } else {
        "rename one of them".to_owned()
    };
    format!("two sections are named `{name}`: {one} and {other}; {instead}")
}

/// Refuses the names that a section can't have.
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

/// The annotated checks of the binary.
fn discovered_checks() -> impl Iterator<Item = CheckRegistration> {
    inventory::iter::<RegisteredCheck>
        .into_iter()
        .map(|check| (check.0)())
}

/// The annotated sections of the binary.
pub(crate) fn discovered_sections() -> impl Iterator<Item = &'static SectionRegistration> {
    inventory::iter::<SectionRegistration>.into_iter()
}

/// Name and version of the package that the running binary was built from, as far as a registration in it tells: one
/// whose crate has the executable's name.
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
            info: Arc::new(CheckInfo::registered(it)),
        });
    let by_hand = by_hand.into_iter().map(|check| Candidate {
        info: Arc::new(check.info),
        binding: Binding::Ready(check.run),
    });
    let mut found: Vec<_> = discovered.chain(by_hand).collect();
    // The linker's order is nobody's: it differs between builds.
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

fn missing(expected: &[String], sorted: &[Cow<'static, str>]) -> Vec<String> {
    let missing = expected
        .iter()
        .filter(|name| sorted.binary_search_by(|it| (**it).cmp(name)).is_err());
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

/// The policies so far. Most checks have the same, and neighbours most of all.
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
    let ttl = |own: Option<Option<std::time::Duration>>, default: Ttl| match own {
        Some(lasts) => Ttl::chosen(lasts),
        None => default,
    };
    Policy {
        limit: options.timeout.unwrap_or(defaults.timeout),
        success_ttl: ttl(options.success_ttl, defaults.success_ttl),
        failed_ttl: ttl(options.failed_ttl, defaults.failed_ttl),
        interval: options.interval,
        initial_delay: options.initial_delay,
        thresholds: Thresholds {
            failure: options.failure_threshold,
            success: options.success_threshold,
        },
        latches: options.startup,
        only_startup: options.startup && !options.readiness && !options.liveness,
    }
}
