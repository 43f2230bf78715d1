//! The rules for names, which are parts of a URL's path, keys in JSON and lines in a log.

/// What stands under the health path beside the checks.
const TAKEN_IN_HEALTH_PATH: [&str; 2] = ["history", "openapi.json"];
/// The report's own keys.
const TAKEN_IN_HEALTH_BODY: [&str; 6] = ["hostname", "status", "timestamp", "results", "warnings", "reason"];

/// What is wrong with a check's name, `None` where nothing is.
pub(crate) fn problem_with_check(name: &str) -> Option<String> {
    if TAKEN_IN_HEALTH_PATH.contains(&name) {
        return Some(format!(
            "a check can't be named `{name}`: the health path has a page of that name"
        ));
    }
    problem_with_path_segment("check", name)
}

/// What is wrong with a section's name, `None` where nothing is.
pub(crate) fn problem_with_section(name: &str, in_health: bool) -> Option<String> {
    if in_health && TAKEN_IN_HEALTH_BODY.contains(&name) {
        return Some(format!(
            "a section `in_health` can't be named `{name}`: the report has a field of that name"
        ));
    }
    problem_with_path_segment("section", name)
}

/// What is wrong with a tag, which is only ever compared and shown.
pub(crate) fn problem_with_tag(tag: &str) -> Option<&'static str> {
    if tag.is_empty() {
        Some("a tag can't be empty")
    } else if tag.contains(char::is_control) {
        Some("a tag can't contain control characters")
    } else {
        None
    }
}

fn problem_with_path_segment(kind: &str, name: &str) -> Option<String> {
    let problem = match name {
        "" => format!("the name of a {kind} can't be empty"),
        "." | ".." => format!("a {kind} can't be named `{name}`: in a URL it means a directory"),
        _ if name.trim() != name && !name.contains(char::is_control) => {
            format!("the name of a {kind} can't begin or end with a space")
        }
        _ => {
            let refused = name.chars().find(|c| matches!(c, '/' | '?') || c.is_control())?;
            let refused = match refused {
                '/' | '?' => format!("`{refused}`"),
                control => format!("the control character `{}`", control.escape_default()),
            };
            format!("the name of a {kind} can't contain {refused}: it is one segment of a URL's path")
        }
    };
    Some(problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_percent_encoding_in_a_url_is_still_a_name() {
        for name in ["a b", "disk 90%", "c#", "größe", "…", "a.b", "history2"] {
            assert_eq!(problem_with_check(name), None);
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
            ("a\tb", "`\\t`"),
            ("a\u{85}", "`\\u{85}`"),
            ("history", "page"),
            ("openapi.json", "page"),
        ] {
            let problem = problem_with_check(name).unwrap_or_default();
            assert!(problem.contains(reason), "{name:?}: {problem}");
        }
    }

    #[test]
    fn the_reports_own_fields_are_taken_only_in_the_health_body() {
        for name in TAKEN_IN_HEALTH_BODY {
            assert_eq!(problem_with_section(name, false), None);
            assert!(problem_with_section(name, true).is_some());
        }
    }
}
