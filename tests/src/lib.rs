//! What needs a whole binary is tested beside this file, with what stands here; and the README's programs are compiled.

use healthcheck::{Check, HealthCheck, HealthCheckBuilder};

mod log;
mod ports;

pub use log::Log;
pub use ports::{free_addr, free_port};

/// A builder without the discovered checks.
pub fn by_hand() -> HealthCheckBuilder {
    HealthCheck::builder().discover(false)
}

/// These checks and no others.
///
/// # Panics
/// The checks don't fit together.
pub fn built(checks: impl IntoIterator<Item = Check>) -> HealthCheck {
    let health = checks
        .into_iter()
        .fold(by_hand(), HealthCheckBuilder::check)
        .build();
    health.unwrap_or_else(|error| panic!("{error}"))
}

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// The chapter in the docs of `HealthCheck`.
#[cfg(doctest)]
#[doc = include_str!("../../healthcheck/src/testing.md")]
struct Testing;

#[cfg(test)]
mod tests {
    #[test]
    fn the_programs_of_the_readme_can_be_pasted_with_its_dependencies() {
        let readme = include_str!("../../README.md");
        let blocks = |language: &str| -> Vec<&str> {
            let begins = format!("```{language}");
            let parts = readme.split(&begins).skip(1);
            parts.filter_map(|part| part.split("\n```").next()).collect()
        };
        let dependencies = blocks("toml").concat().replace('-', "_");
        let programs = blocks("rust");
        assert!(!programs.is_empty());
        for line in programs.iter().flat_map(|program| program.lines().skip(1)) {
            assert!(
                !line.starts_with("# "),
                "rustdoc hides it, the page shows it: {line}"
            );
            for (end, _) in line.match_indices("::") {
                let before = &line[..end];
                let root = before
                    .rsplit(|c: char| !c.is_alphanumeric() && c != '_')
                    .next()
                    .unwrap_or_default();
                let inner = before.ends_with(&format!("::{root}"));
                let is_crate = root.starts_with(|c: char| c.is_ascii_lowercase());
                let known = root == "std" || dependencies.contains(&format!("\n{root} = "));
                assert!(inner || !is_crate || known, "`{root}` is no dependency: {line}");
            }
        }
    }
}
