//! Removes the checks that the environment variable `HEALTHCHECK_DISABLE` names, as in `HEALTHCHECK_DISABLE=a,b`. With
//! this variable an operator can disable a check without a new build.

use healthcheck::HealthCheck;

use crate::log::log;
use crate::serving::RUNTIME;

const VARIABLE: &str = "HEALTHCHECK_DISABLE";

/// Removes from `health` the checks that `HEALTHCHECK_DISABLE` names.
///
/// Returns whether the variable names the check `runtime`. `health` doesn't contain this check, because the server adds
/// it separately.
pub(crate) fn apply(health: &HealthCheck) -> bool {
    match std::env::var(VARIABLE) {
        Ok(list) => take_out(health, &list, RUNTIME),
        Err(std::env::VarError::NotPresent) => false,
        Err(std::env::VarError::NotUnicode(_)) => {
            log!(WARN, "{VARIABLE} isn't Unicode text: no check is disabled");
            false
        }
    }
}

fn take_out(health: &HealthCheck, list: &str, own: &str) -> bool {
    let names: Vec<&str> = list
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .collect();
    let unknown = health.disable(names.iter().copied());
    for name in unknown.iter().filter(|name| *name != own) {
        let check = name.clone();
        log!(WARN, check, "{VARIABLE} names a check that doesn't exist");
        health.add_warning(format!("{VARIABLE} names `{name}`, which is no check"));
    }
    let own_is_named = names.contains(&own);
    let disabled: Vec<&str> = names
        .into_iter()
        .filter(|name| *name == own || !unknown.iter().any(|it| it == name))
        .collect();
    if !disabled.is_empty() {
        let checks = disabled.join(", ");
        log!(WARN, checks, "health checks disabled by {VARIABLE}");
    }
    own_is_named
}

#[cfg(test)]
mod tests {
    use healthcheck::Check;

    use super::*;
    use crate::test_log::Log;

    #[test]
    fn it_takes_the_named_checks_out_and_warns_of_unknown_ones() {
        let log = Log::start();
        let health = HealthCheck::builder()
            .discover(false)
            .check(Check::new("a", async || true))
            .check(Check::new("b", async || true))
            .check(Check::new("c", async || true))
            .build()
            .unwrap();
        assert!(!take_out(&health, " a, ,c ,nobody", "runtime"));
        let left: Vec<String> = health.checks().map(|info| info.name().to_owned()).collect();
        assert_eq!(left, ["b"]);
        assert_eq!(log.count("doesn't exist"), 1);
        assert_eq!(
            log.count("checks=\"a, c\""),
            1,
            "only those that exist are disabled"
        );
        assert!(take_out(&health, "runtime", "runtime"));
        assert_eq!(log.count("doesn't exist"), 1, "the server's own check is known");
    }
}
