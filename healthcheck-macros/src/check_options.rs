//! What `#[health_check(…)]` says.

use std::time::Duration;

use proc_macro2::{Ident, TokenStream};
use syn::{Error, LitStr, Path, Result};

use crate::args::{self, Arg};
use crate::problems::Problems;
use crate::{duration, name};

/// The options that were written; the rest is left to the runtime's defaults.
#[derive(Default)]
pub(crate) struct CheckOptions {
    pub(crate) krate: Option<Path>,
    pub(crate) name: Option<LitStr>,
    pub(crate) liveness: bool,
    pub(crate) readiness: bool,
    pub(crate) startup: bool,
    pub(crate) tags: Vec<LitStr>,
    pub(crate) critical: Option<bool>,
    pub(crate) external: bool,
    pub(crate) timeout: Option<Option<Duration>>,
    pub(crate) success_ttl: Option<Option<Duration>>,
    pub(crate) failed_ttl: Option<Option<Duration>>,
    pub(crate) interval: Option<Duration>,
    pub(crate) initial_delay: Option<Duration>,
    pub(crate) failure_threshold: Option<u32>,
    pub(crate) success_threshold: Option<u32>,
    pub(crate) depends_on: Vec<LitStr>,
}

const KNOWN: [&str; 16] = [
    "name",
    "liveness",
    "readiness",
    "startup",
    "tags",
    "critical",
    "timeout",
    "success_ttl",
    "failed_ttl",
    "interval",
    "initial_delay",
    "failure_threshold",
    "success_threshold",
    "depends_on",
    "external",
    "crate",
];

// #[health_check(
//     name = "redis",
//     liveness, readiness, startup,
//     tags("cache", "external"),
//     critical = false,
//     timeout = "2s",                                     "none": no limit
//     success_ttl = "27s", failed_ttl = "9s",             "none": not cached
//     interval = "10s", initial_delay = "1s",
//     failure_threshold = 3, success_threshold = 2,
//     depends_on("dns"),
//     external,
//     crate = path::to::healthcheck,
// )]
impl CheckOptions {
    pub(crate) fn parse(tokens: TokenStream, problems: &mut Problems) -> Self {
        let mut options = Self::default();
        let args = args::parse("health_check", &KNOWN, tokens, problems);
        for arg in &args {
            problems.keep(options.read(arg));
        }
        options.refuse_contradictions(&args, problems);
        options
    }

    fn read(&mut self, arg: &Arg) -> Result<()> {
        match arg.key.to_string().as_str() {
            "name" => self.name = Some(check_name(arg.text("redis")?)?),
            "liveness" => self.liveness = arg.flag()?,
            "readiness" => self.readiness = arg.flag()?,
            "startup" => self.startup = arg.flag()?,
            "tags" => self.tags = distinct(arg.texts()?, tag)?,
            "critical" => self.critical = Some(arg.boolean()?),
            "timeout" => self.timeout = Some(time_limit(&arg.text("2s")?)?),
            "success_ttl" => self.success_ttl = Some(duration::optional(&arg.text("27s")?)?),
            "failed_ttl" => self.failed_ttl = Some(duration::optional(&arg.text("9s")?)?),
            "interval" => {
                self.interval = {
                    let instead = "leave `interval` out for a check that runs when it is asked for";
                    Some(duration::positive(&arg.text("10s")?, instead)?)
                }
            }
            "initial_delay" => {
                self.initial_delay = {
                    let instead = "leave `initial_delay` out for a first run at once";
                    Some(duration::positive(&arg.text("1s")?, instead)?)
                }
            }
            "failure_threshold" => self.failure_threshold = Some(arg.count()?),
            "success_threshold" => self.success_threshold = Some(arg.count()?),
            "depends_on" => self.depends_on = distinct(arg.texts()?, check_name)?,
            "external" => self.external = arg.flag()?,
            // The list is `KNOWN`, so this is `crate`.
            _ => self.krate = Some(arg.path()?),
        }
        Ok(())
    }

    /// Options that are right by themselves and wrong together.
    fn refuse_contradictions(&self, args: &[Arg], problems: &mut Problems) {
        let written = |key: &str| args.iter().map(|arg| &arg.key).find(|written| *written == key);
        let mut refuse = |guilty: Option<&Ident>, message: &str| {
            if let Some(guilty) = guilty {
                problems.refuse(guilty, message);
            }
        };
        if written("interval").is_some() {
            for ttl in ["success_ttl", "failed_ttl"] {
                let message =
                    format!("`{ttl}` says nothing beside `interval`: a result is kept until the next run");
                refuse(written(ttl), &message);
            }
        } else {
            let message =
                "`initial_delay` says nothing without `interval`: the check runs when it is asked for";
            refuse(written("initial_delay"), message);
        }
        if self.liveness {
            let message = "an `external` check cannot belong to `liveness`: a restart doesn't repair what lies outside of the process";
            refuse(written("external"), message);
        }
    }
}

fn check_name(name: LitStr) -> Result<LitStr> {
    match name::problem_with_check(&name.value()) {
        None => Ok(name),
        Some(problem) => Err(Error::new(name.span(), problem)),
    }
}

fn tag(tag: LitStr) -> Result<LitStr> {
    match name::problem_with_tag(&tag.value()) {
        None => Ok(tag),
        Some(problem) => Err(Error::new(tag.span(), problem)),
    }
}

/// Every text of a list, each at most once.
fn distinct(texts: Vec<LitStr>, rule: fn(LitStr) -> Result<LitStr>) -> Result<Vec<LitStr>> {
    let mut problems = Problems::default();
    let mut distinct: Vec<LitStr> = Vec::new();
    for text in texts {
        if distinct.iter().any(|earlier| earlier.value() == text.value()) {
            problems.refuse(&text, format!("`{}` is listed more than once", text.value()));
        } else {
            distinct.extend(problems.keep(rule(text)));
        }
    }
    problems.into_result(distinct)
}

fn time_limit(literal: &LitStr) -> Result<Option<Duration>> {
    match duration::optional(literal)? {
        Some(Duration::ZERO) => {
            let message = "a time limit of zero lets no run pass: write \"none\" for no limit";
            Err(Error::new(literal.span(), message))
        }
        limit => Ok(limit),
    }
}
