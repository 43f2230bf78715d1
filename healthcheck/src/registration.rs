//! The records that the attributes put into the binary at link time. Building a `HealthCheck` turns them into checks.

use std::borrow::Cow;
use std::time::Duration;

use crate::model::options::{SETTABLE, Set};
use crate::model::{CheckInfo, CheckOptions};
use crate::run::Bind;

/// The entry of one `#[health_check]` in the binary: a function that returns the record of the check.
///
/// The entry isn't the record itself, so that the program starts faster. The loader relocates every pointer in a
/// constant before `main`, even if the program never uses it. A function is one pointer; the record has ten.
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

/// The record of one `#[env_section]`.
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
    /// The value of `module_path!()`.
    pub module: &'static str,
    /// The value of `file!()`.
    pub file: &'static str,
    /// The value of `line!()`.
    pub line: u32,
    /// The name and version of the function's package, if cargo builds it: `option_env!("CARGO_PKG_NAME")` and
    /// `option_env!("CARGO_PKG_VERSION")`.
    pub package: (Option<&'static str>, Option<&'static str>),
}

/// The value of an attribute's option. The attribute generates one array of constants for all options, because an array
/// of constants compiles faster than one statement for each option.
#[derive(Clone, Copy, Debug)]
pub enum Given {
    /// A flag, such as `liveness` or `critical = false`.
    Flag(bool),
    /// A number, such as `failure_threshold = 3`.
    Count(u32),
    /// The value `"none"` of a duration, as in `timeout = "none"`.
    None,
    /// A duration in seconds and nanoseconds, such as `timeout = "2s"`.
    Time(u64, u32),
    /// A text, such as `owner = "orders"`.
    Text(&'static str),
    /// A list of texts, such as `tags("a", "b")`.
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
            // Unreachable: the attribute's table has the same keys with the same kinds of values. A test compares the
            // two tables.
            _ => {}
        }
    }
    options
}

inventory::collect!(RegisteredCheck);
inventory::collect!(SectionRegistration);
