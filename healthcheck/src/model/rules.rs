//! The rules for names, texts and durations. `healthcheck-macros` applies them at compile time, and `healthcheck`
//! applies them when a `HealthCheck` is built.
//!
//! Each of the two crates has its own copy of this file. `tests/same_rules.rs` verifies that the copies are equal.

use std::time::Duration;

/// Names that no check and no section may have, because the endpoint has its own pages with these names, such as
/// `/healthcheck/history`.
const PAGES: [&str; 2] = ["history", "openapi.json"];
/// The keys of the health report itself. A section in the health report with the name of such a key would overwrite the
/// key.
const REPORT_KEYS: [&str; 6] = ["hostname", "status", "timestamp", "results", "reason", "warnings"];
/// The maximum number of digits of a number in a duration. A longer number could overflow.
const MOST_DIGITS: usize = 9;

/// Validates the name of a check. The name is used as a segment of a URL path, as a JSON key and in log lines.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    path_segment("check", name)
}

/// Validates the name of a section. The name is used as a segment of a URL path and as a JSON key.
pub(crate) fn section_name(name: &str, in_health: bool) -> Result<(), String> {
    if in_health && REPORT_KEYS.contains(&name) {
        return Err(format!(
            "a section in the health body can't be named `{name}`: the report has the keys {}",
            REPORT_KEYS.join(", ")
        ));
    }
    path_segment("section", name)
}

fn path_segment(kind: &str, name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err(format!("the name of a {kind} can't be empty"));
    }
    let why = if matches!(name, "." | "..") {
        "in a URL it means a directory"
    } else if PAGES.contains(&name) {
        "it is an endpoint's own path"
    } else if name.contains(['/', '?']) {
        "it holds `/` or `?`, and a name is one segment of a URL's path"
    } else if name.contains(char::is_control) {
        "it holds a control character"
    } else if name.trim() != name {
        "it begins or ends with a space"
    } else {
        return Ok(());
    };
    Err(format!(
        "a {kind} can't be named `{}`: {why}",
        name.escape_debug()
    ))
}

/// Validates a tag.
pub(crate) fn tag(tag: &str) -> Result<(), String> {
    label("a tag", tag)
}

/// Validates a text that must be on one line, such as a tag, an owner or the address of a runbook. The error message
/// begins with `what`, for example "a tag".
pub(crate) fn label(what: &str, text: &str) -> Result<(), String> {
    if text.trim().is_empty() {
        Err(format!("{what} can't be empty"))
    } else if text.contains(char::is_control) {
        Err(format!("{what} can't hold a control character"))
    } else {
        Ok(())
    }
}

/// Parses a duration. For the text "none", returns `None`.
pub(crate) fn duration(text: &str) -> Result<Option<Duration>, String> {
    if text.trim() == "none" {
        return Ok(None);
    }
    let refused = |why: &str| {
        let text = text.escape_debug();
        format!("`{text}` is not a duration{why}; write for example \"250ms\", \"2s\" or \"1m 30s\"")
    };
    let mut numbers = text.split(|c: char| !c.is_ascii_digit());
    if numbers.any(|number| number.len() > MOST_DIGITS) {
        return Err(refused(", a number in it is too long"));
    }
    // humantime parses `M` as months, but people who write `M` mean minutes. So reject `M`.
    if text.split(|c: char| !c.is_alphabetic()).any(|unit| unit == "M") {
        return Err(refused(", `M` would be months"));
    }
    match humantime::parse_duration(text) {
        Ok(duration) => Ok(Some(duration)),
        Err(humantime::DurationError::UnknownUnit { unit, .. }) if unit.is_empty() => {
            Err(refused(", it has no unit"))
        }
        Err(_) => Err(refused("")),
    }
}

/// Returns a hint for an unknown option: "did you mean …?", or a list of all options if none is similar.
pub(crate) fn instead_of<'a>(unknown: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    let quoted = |keys: &[&str]| {
        keys.iter()
            .map(|key| format!("`{key}`"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    match &*meant(unknown, known.clone()) {
        [] => format!("expected one of {}", quoted(&Vec::from_iter(known))),
        [one] => format!("did you mean `{one}`?"),
        [some @ .., last] => format!("did you mean {} or `{last}`?", quoted(some)),
    }
}

/// Returns the options that a user may have meant by the unknown option `unknown`.
///
/// If `unknown` is a common synonym, returns the options with the same meaning. Otherwise, returns the option with the
/// most similar spelling, if the spelling is similar enough.
fn meant<'a>(unknown: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    const OTHER_NAMES: [(&str, &[&str]); 17] = [
        ("ttl", &["success_ttl", "failed_ttl"]),
        ("cache", &["success_ttl", "failed_ttl"]),
        ("cache_ttl", &["success_ttl", "failed_ttl"]),
        ("failure_ttl", &["failed_ttl"]),
        ("every", &["interval"]),
        ("period", &["interval"]),
        ("optional", &["critical"]),
        ("required", &["critical"]),
        ("kind", &["liveness", "readiness", "startup"]),
        ("probe", &["liveness", "readiness", "startup"]),
        ("limit", &["timeout"]),
        ("deadline", &["timeout"]),
        ("delay", &["initial_delay"]),
        ("after", &["depends_on"]),
        ("requires", &["depends_on"]),
        ("grace", &["fail_after"]),
        ("team", &["owner"]),
    ];
    let known: Vec<&str> = known.into_iter().collect();
    let other = OTHER_NAMES.iter().find(|(other, _)| *other == unknown);
    if let Some((_, ours)) = other {
        return known.into_iter().filter(|name| ours.contains(name)).collect();
    }
    // Allow at most one typo per three letters. Otherwise an unknown name would match short options that are quite
    // different.
    let is_near = |slips: usize, name: &str| slips * 3 <= name.len();
    let near = known.into_iter();
    let near = near.filter(|name| is_near(unknown.len().abs_diff(name.len()), name));
    let near = near.map(|name| (slips(unknown, name), name));
    let nearest = near
        .filter(|(slips, name)| is_near(*slips, name))
        .min_by_key(|(slips, _)| *slips);
    nearest.map(|(_, name)| name).into_iter().collect()
}

/// Returns the Damerau-Levenshtein distance of two words: how many letters to insert, delete, replace or swap with a
/// neighbour to turn one word into the other.
fn slips(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    // `needed[i][j]` is the distance between the first i letters of `one` and the first j letters of `other`.
    let mut needed = vec![vec![0; other.len() + 1]; one.len() + 1];
    for i in 0..=one.len() {
        for j in 0..=other.len() {
            needed[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replaced = needed[i - 1][j - 1] + usize::from(one[i - 1] != other[j - 1]);
                let fewest = replaced.min(needed[i - 1][j] + 1).min(needed[i][j - 1] + 1);
                let swapped = i > 1 && j > 1 && one[i - 2..i] == [other[j - 1], other[j - 2]];
                if swapped {
                    fewest.min(needed[i - 2][j - 2] + 1)
                } else {
                    fewest
                }
            };
        }
    }
    needed[one.len()][other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_need_percent_encoding_in_a_url() {
        for name in ["a b", "disk 90%", "c#", "größe", "…", "a.b", "history2"] {
            assert_eq!(check_name(name), Ok(()));
            assert_eq!(section_name(name, true), Ok(()));
        }
    }

    #[test]
    fn a_name_that_a_url_cannot_hold_is_refused_with_the_reason() {
        for (name, reason) in [
            ("", "empty"),
            (".", "directory"),
            ("..", "directory"),
            ("a/b", "`/`"),
            ("a?", "`?`"),
            (" a", "space"),
            ("a\tb", "control character"),
            ("a\n", "control character"),
            ("a\u{85}", "control character"),
            ("history", "path"),
            ("openapi.json", "path"),
        ] {
            for problem in [
                check_name(name),
                section_name(name, false),
                section_name(name, true),
            ] {
                let problem = problem.expect_err(name);
                assert!(problem.contains(reason), "{name:?}: {problem}");
                assert!(!problem.contains(char::is_control), "{problem:?}");
            }
        }
    }

    #[test]
    fn the_keys_of_the_report_are_taken_in_the_health_body_alone() {
        for name in REPORT_KEYS {
            assert_eq!(section_name(name, false), Ok(()));
            assert!(section_name(name, true).is_err());
        }
    }

    #[test]
    fn a_label_is_one_line_with_something_on_it() {
        assert_eq!(label("an owner", "the orders team"), Ok(()));
        for text in ["", " ", "a\nb", "a\u{7f}"] {
            assert!(label("an owner", text).is_err_and(|problem| problem.starts_with("an owner can't")));
        }
    }

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, millis) in [
            ("250ms", 250),
            ("2s", 2_000),
            ("1m 30s", 90_000),
            ("1 min 30 sec", 90_000),
            ("1h", 3_600_000),
            ("0s", 0),
        ] {
            assert_eq!(duration(text), Ok(Some(Duration::from_millis(millis))), "{text}");
        }
        assert_eq!(duration(" none "), Ok(None));
    }

    #[test]
    fn what_is_no_duration_is_refused_with_an_example_and_never_panics() {
        let long = "999999999y ".repeat(2_000);
        for text in [
            "",
            " ",
            "5",
            "soon",
            "-1s",
            "1 fortnight",
            "1M",
            "18446744073709551615s 1000ms",
            "1.s",
            "¼s",
            &long,
        ] {
            let problem = duration(text).expect_err(text);
            assert!(problem.ends_with("\"2s\" or \"1m 30s\""), "{problem}");
        }
    }

    #[test]
    fn an_unknown_option_is_recognised_by_its_spelling_or_by_another_name() {
        let known = [
            "timeout",
            "success_ttl",
            "failed_ttl",
            "interval",
            "critical",
            "tags",
            "liveness",
        ];
        for (unknown, meant_by_it) in [
            ("time_out", &["timeout"][..]),
            ("success_tll", &["success_ttl"]),
            ("intervall", &["interval"]),
            ("tag", &["tags"]),
            ("tgas", &["tags"]),
            ("ttl", &["success_ttl", "failed_ttl"]),
            ("every", &["interval"]),
            ("optional", &["critical"]),
            ("kind", &["liveness"]),
            ("größe", &[]),
            (&"timeout".repeat(1_000_000), &[]),
            ("", &[]),
        ] {
            assert_eq!(meant(unknown, known), meant_by_it, "{unknown}");
        }
        let probes = ["liveness", "readiness", "startup"];
        assert_eq!(
            instead_of("kind", probes),
            "did you mean `liveness`, `readiness` or `startup`?"
        );
        assert_eq!(
            instead_of("colour", probes),
            "expected one of `liveness`, `readiness`, `startup`"
        );
    }
}
