//! What an attribute leaves behind at link time, turned into checks when a `HealthCheck` is built.

use std::time::Duration;

use crate::run::Bind;

/// One `#[health_check]`, as the linker finds it: what gives its record. Every pointer in a constant is relocated before
/// `main`, asked for or not; this is one, the record would be ten.
#[derive(Clone, Copy, Debug)]
pub struct RegisteredCheck(pub fn() -> CheckRegistration);

/// The record of one `#[health_check]`.
#[derive(Clone, Copy, Debug)]
pub struct CheckRegistration {
    /// The name, unique in the binary.
    pub name: &'static str,
    /// The first paragraph of the function's doc comment; empty where there is none.
    pub description: &'static str,
    /// Where the function stands.
    pub origin: Origin,
    /// What the attribute says.
    pub options: RegisteredOptions,
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

/// The options of a `#[health_check]`. An outer `None` is an option that wasn't given, an inner one is `"none"`.
#[derive(Clone, Copy, Debug)]
pub struct RegisteredOptions {
    /// `liveness`
    pub liveness: bool,
    /// `readiness`
    pub readiness: bool,
    /// `startup`
    pub startup: bool,
    /// `tags("a", "b")`
    pub tags: &'static [&'static str],
    /// `critical = true`
    pub critical: bool,
    /// `external`
    pub external: bool,
    /// `timeout = "2s"`
    pub timeout: Option<Option<Duration>>,
    /// `success_ttl = "27s"`
    pub success_ttl: Option<Option<Duration>>,
    /// `failed_ttl = "9s"`
    pub failed_ttl: Option<Option<Duration>>,
    /// `interval = "10s"`
    pub interval: Option<Duration>,
    /// `initial_delay = "1s"`
    pub initial_delay: Option<Duration>,
    /// `failure_threshold = 3`
    pub failure_threshold: u32,
    /// `success_threshold = 2`
    pub success_threshold: u32,
    /// `depends_on("dns")`
    pub depends_on: &'static [&'static str],
}

impl RegisteredOptions {
    /// What `#[health_check]` means without any option.
    pub const DEFAULT: Self = Self {
        liveness: false,
        readiness: false,
        startup: false,
        tags: &[],
        critical: true,
        external: false,
        timeout: None,
        success_ttl: None,
        failed_ttl: None,
        interval: None,
        initial_delay: None,
        failure_threshold: 1,
        success_threshold: 1,
        depends_on: &[],
    };
}

inventory::collect!(RegisteredCheck);
inventory::collect!(SectionRegistration);
