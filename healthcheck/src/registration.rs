//! What an attribute leaves behind at link time, turned into checks when a `HealthCheck` is built.

use std::borrow::Cow;
use std::time::Duration;

use crate::model::options::{SETTABLE, Set};
use crate::model::{CheckInfo, CheckOptions};
use crate::run::Bind;

/// One `#[health_check]`, as the linker finds it: what gives its record. Every pointer in a constant is relocated before
/// `main`, asked for or not; this is one, the record would be ten.
#[derive(Clone, Copy, Debug)]
pub struct RegisteredCheck(pub fn() -> CheckRegistration);

/// The record of one `#[health_check]`.
#[derive(Clone, Debug)]
pub struct CheckRegistration {
    /// The name, unique in the binary.
    pub name: &'static str,
    /// The first paragraph of the function's doc comment; empty where there is none.
    pub description: &'static str,
    /// Where the function stands.
    pub origin: Origin,
    /// What the attribute says.
    pub options: CheckOptions,
    /// How it is called.
    pub bind: Bind,
}

impl CheckRegistration {
    pub(crate) fn info(self) -> CheckInfo {
        CheckInfo::annotated(self.name, self.description, self.options).at(
            self.origin.module,
            self.origin.file,
            self.origin.line,
        )
    }
}

/// One `#[env_section]`.
#[derive(Clone, Copy, Debug)]
pub struct SectionRegistration {
    /// The name, unique in the binary.
    pub name: &'static str,
    /// Where the function stands.
    pub origin: Origin,
    /// Whether the section also stands in the health body.
    pub in_health: bool,
    /// How it is called; its outcome's output is the section, a failure its error.
    pub bind: Bind,
}

/// Where an annotated function stands.
#[derive(Clone, Copy, Debug)]
pub struct Origin {
    /// `module_path!()`.
    pub module: &'static str,
    /// `file!()`.
    pub file: &'static str,
    /// `line!()`.
    pub line: u32,
    /// `option_env!("CARGO_PKG_NAME")` and `option_env!("CARGO_PKG_VERSION")` of the crate it stands in.
    pub package: (Option<&'static str>, Option<&'static str>),
}

/// A value of an attribute's option. Made of constants alone: an array of them costs the compiler less than a statement
/// for each.
#[derive(Clone, Copy, Debug)]
pub enum Given {
    /// `liveness`, `critical = false`
    Flag(bool),
    /// `failure_threshold = 3`
    Count(u32),
    /// `timeout = "none"`
    None,
    /// `timeout = "2s"`: seconds and nanoseconds.
    Time(u64, u32),
    /// `owner = "orders"`
    Text(&'static str),
    /// `tags("a", "b")`
    Texts(&'static [&'static str]),
}

/// The options of an attribute, by their keys.
#[must_use]
pub fn options(given: &[(&str, Given)]) -> CheckOptions {
    let mut options = CheckOptions::default();
    for &(key, value) in given {
        let Some(option) = SETTABLE.iter().find(|option| option.key == key) else {
            continue;
        };
        match (option.set, value) {
            (Set::Flag(set), Given::Flag(yes)) => set(&mut options, yes),
            (Set::Count(set), Given::Count(count)) => set(&mut options, count),
            (Set::Duration(set), Given::None) => set(&mut options, None),
            (Set::Duration(set), Given::Time(seconds, nanos)) => {
                set(&mut options, Some(Duration::new(seconds, nanos)));
            }
            (Set::Text(set), Given::Text(text)) => set(&mut options, Cow::Borrowed(text)),
            (Set::Texts(set), Given::Texts(texts)) => {
                set(
                    &mut options,
                    texts.iter().map(|&text| Cow::Borrowed(text)).collect(),
                );
            }
            // The attribute's table has the same keys with the same kinds of values, and tests hold it to that.
            _ => {}
        }
    }
    options
}

inventory::collect!(RegisteredCheck);
inventory::collect!(SectionRegistration);
