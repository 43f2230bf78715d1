//! The records that the attributes put into the binary at link time. Building a `HealthCheck` turns them into checks.

use std::borrow::Cow;
use std::time::Duration;

use crate::model::options::{SETTABLE, Set};
use crate::model::{CheckInfo, CheckOptions};
use crate::run::Bind;

/// One `#[health_check]`, as the linker finds it: a function that returns its record.
///
/// The loader relocates every pointer in a constant before `main`, even if the program never uses it. A function is one
/// pointer; the record has ten.
#[derive(Clone, Copy, Debug)]
pub struct RegisteredCheck(pub fn() -> CheckRegistration);

/// The record of one `#[health_check]`.
#[derive(Clone, Debug)]
pub struct CheckRegistration {
    /// The name, unique in the binary.
    pub name: &'static str,
    /// The first paragraph of the function's doc comment; empty if there is none.
    pub description: &'static str,
    /// The source location of the function.
    pub origin: Origin,
    /// The options of the attribute.
    pub options: CheckOptions,
    /// Binds the function to its parameters.
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
    /// The source location of the function.
    pub origin: Origin,
    /// Whether the health report has the section too.
    pub in_health: bool,
    /// Binds the function to its parameters. The output of its outcome is the section's value; a failed outcome is shown
    /// as an error.
    pub bind: Bind,
}

/// The source location of an annotated function.
#[derive(Clone, Copy, Debug)]
pub struct Origin {
    /// `module_path!()`.
    pub module: &'static str,
    /// `file!()`.
    pub file: &'static str,
    /// `line!()`.
    pub line: u32,
    /// `option_env!("CARGO_PKG_NAME")` and `option_env!("CARGO_PKG_VERSION")` of the function's crate.
    pub package: (Option<&'static str>, Option<&'static str>),
}

/// The value of an attribute's option. It is made of constants only, because an array of constants compiles faster than
/// one statement for each option.
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

/// Converts the options of an attribute, given by key, into `CheckOptions`.
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
            // Unreachable: the attribute's table has the same keys with the same kinds of values. A test compares them.
            _ => {}
        }
    }
    options
}

inventory::collect!(RegisteredCheck);
inventory::collect!(SectionRegistration);
