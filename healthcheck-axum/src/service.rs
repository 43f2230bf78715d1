//! The service that the endpoints belong to, as people call it.

use std::fmt;

use healthcheck::HealthCheck;

/// A name, empty where it isn't known, and a version.
#[derive(Clone, Debug, Default)]
pub(crate) struct Service {
    pub(crate) name: String,
    pub(crate) version: Option<String>,
}

impl Service {
    /// The binary's name and its package's version stand in for what wasn't set.
    pub(crate) fn or_the_binary(self, health: &HealthCheck) -> Self {
        let name = if self.name.is_empty() {
            let executable = std::env::current_exe().unwrap_or_default();
            let stem = executable.file_stem().unwrap_or_default();
            stem.to_string_lossy().into_owned()
        } else {
            self.name
        };
        let version = self.version.or_else(|| health.version().map(str::to_owned));
        Self { name, version }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        self.version
            .iter()
            .try_for_each(|version| write!(f, " {version}"))
    }
}
