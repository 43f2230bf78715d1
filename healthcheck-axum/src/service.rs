//! The name and the version of the service that the endpoints report on.

use std::fmt;

use healthcheck::HealthCheck;

/// The name and the version of a service. The name is empty if it isn't known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Service {
    pub(crate) name: String,
    pub(crate) version: Option<String>,
}

impl Service {
    /// Returns the name and the version, with defaults where the application has set none. The default name is that of
    /// the executable. The default version is that of the binary's package.
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
