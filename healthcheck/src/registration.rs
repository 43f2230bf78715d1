//! The registrations that the attributes put into the binary at link time. Building a `HealthCheck` converts these
//! registrations into checks and sections.

use std::borrow::Cow;
use std::time::Duration;

use crate::model::options::{SETTABLE, Set};
use crate::model::{CheckInfo, CheckOptions};
use crate::run::Bind;

/// The entry of one `#[health_check]` in the binary: a function that returns the registration of the check.
///
/// The entry is a function that returns a registration. If the entry were a constant registration, the program would
/// start more slowly.
///
/// Before `main`, the loader relocates every pointer in a constant. A function is one pointer, and a registration has
/// ten pointers.
#[derive(Clone, Copy, Debug)]
pub struct RegisteredCheck(pub fn() -> CheckRegistration);

/// The registration of one function with `#[health_check]`.
#[derive(Clone, Debug)]
pub struct CheckRegistration {
    /// The check's name, which must be unique in the binary.
    pub name: &'static str,
    /// The first paragraph of the function's doc comment; empty if there is none.
    pub description: &'static str,
    /// The source location of the annotated function.
    pub origin: Origin,
    /// The options that the attribute sets.
    pub options: CheckOptions,
    /// Binds the function's parameters to provided values.
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

/// The registration of one function with `#[env_section]`.
#[derive(Clone, Copy, Debug)]
pub struct SectionRegistration {
    /// The section's name, which must be unique in the binary.
    pub name: &'static str,
    /// The source location of the annotated function.
    pub origin: Origin,
    /// Whether the health report shows the section in addition to the environment page.
    pub in_health: bool,
    /// Binds the function's parameters to provided values. The function's outcome has the section's value as output. If
    /// the outcome is a failure, the section shows an error.
    pub bind: Bind,
}

/// The source location of an annotated function.
#[derive(Clone, Copy, Debug)]
pub struct Origin {
    /// The value of `module_path!()` at the function.
    pub module: &'static str,
    /// The value of `file!()` at the function.
    pub file: &'static str,
    /// The value of `line!()` at the function.
    pub line: u32,
    /// The name and version of the function's package: `option_env!("CARGO_PKG_NAME")` and
    /// `option_env!("CARGO_PKG_VERSION")`. They are `None` if a tool other than cargo builds the package.
    pub package: (Option<&'static str>, Option<&'static str>),
}

/// The value of one option of an attribute. The attribute generates one array of constants for all options, because an
/// array of constants compiles faster than one statement for each option.
#[derive(Clone, Copy, Debug)]
pub enum Given {
    /// The value of a flag, such as `liveness` or `critical = false`.
    Flag(bool),
    /// A number, such as `failure_threshold = 3`.
    Count(u32),
    /// The absence of a duration, as in `timeout = "none"`.
    None,
    /// A duration in seconds and nanoseconds, such as `timeout = "2s"`.
    Time(u64, u32),
    /// A text, such as `owner = "orders"`.
    Text(&'static str),
    /// A list of texts, such as `tags("a", "b")`.
    Texts(&'static [&'static str]),
}

/// Converts the options of an attribute into `CheckOptions`. Each option is a pair of its key and its value.
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
            // This is unreachable, because the macro has a table with the same keys and kinds of values as `SETTABLE`.
            // A test compares the two tables.
            _ => {}
        }
    }
    options
}

inventory::collect!(RegisteredCheck);
inventory::collect!(SectionRegistration);
