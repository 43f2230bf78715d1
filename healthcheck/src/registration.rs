//! What an attribute leaves behind at link time, turned into checks when a `HealthCheck` is built.

use crate::model::CheckOptions;
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

inventory::collect!(RegisteredCheck);
inventory::collect!(SectionRegistration);
