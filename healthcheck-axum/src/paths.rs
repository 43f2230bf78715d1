//! The paths of the endpoints, and the rules for valid paths.

use std::collections::HashMap;

use axum::http::uri::PathAndQuery;

use crate::kind::ProbeKind;

/// The paths of the endpoints that the application can configure.
#[derive(Clone, Debug)]
pub(crate) struct Paths {
    pub(crate) health: String,
    pub(crate) environment: String,
    pub(crate) liveness: String,
    pub(crate) readiness: String,
    pub(crate) startup: String,
}

impl Default for Paths {
    fn default() -> Self {
        Self {
            health: "/healthcheck".to_owned(),
            environment: "/environment".to_owned(),
            liveness: "/livez".to_owned(),
            readiness: "/readyz".to_owned(),
            startup: "/startupz".to_owned(),
        }
    }
}

/// The name of the path parameter in `/healthcheck/{check}`.
pub(crate) const CHECK: &str = "check";
/// The name of the path parameter in `/environment/{section}`.
pub(crate) const SECTION: &str = "section";

/// The last segment of the history's path, `/healthcheck/history`. No check can have this name, because the path of the
/// check would be that of the history.
pub(crate) const HISTORY: &str = "history";
/// The last segment of the path of the OpenAPI document, `/healthcheck/openapi.json`. No check can have this name.
pub(crate) const DOCUMENT: &str = "openapi.json";

/// Returns `path` with `segment` appended. `path` may be "/".
pub(crate) fn below(path: &str, segment: &str) -> String {
    format!("{}/{segment}", path.trim_end_matches('/'))
}

impl Paths {
    /// Returns the health path or the path of a probe.
    pub(crate) fn of(&self, kind: ProbeKind) -> &str {
        match kind {
            ProbeKind::Health => &self.health,
            ProbeKind::Liveness => &self.liveness,
            ProbeKind::Readiness => &self.readiness,
            ProbeKind::Startup => &self.startup,
        }
    }

    /// Returns the health path, the paths of the probes and, if there is an environment page, the path of that page.
    pub(crate) fn all(&self, with_environment: bool) -> Vec<&str> {
        let mut all: Vec<&str> = vec![&self.health, &self.liveness, &self.readiness, &self.startup];
        all.extend(with_environment.then_some(&*self.environment));
        all
    }

    /// Returns a message for each invalid path, and for each path that two endpoints share.
    pub(crate) fn problems<'a>(
        &self,
        with_environment: bool,
        with_document: bool,
        checks: impl Iterator<Item = &'a str>,
    ) -> Vec<String> {
        let mut named = vec![
            ("health_path", &self.health),
            ("liveness_path", &self.liveness),
            ("readiness_path", &self.readiness),
            ("startup_path", &self.startup),
        ];
        if with_environment {
            named.push(("environment_path", &self.environment));
        }

        let mut problems: Vec<String> = named
            .iter()
            .filter_map(|(setter, path)| {
                let why = objection(path)?;
                Some(format!(
                    "`{setter}` is {path:?}, which {why}; write it as in \"/status/health\""
                ))
            })
            .collect();

        let history = below(&self.health, HISTORY);
        let document = below(&self.health, DOCUMENT);
        let mut taken: HashMap<&str, &str> = HashMap::from([(&*history, "the history below health_path")]);
        if with_document {
            taken.insert(&document, "the OpenAPI document below health_path");
        }
        for (setter, path) in &named {
            if let Some(other) = taken.insert(path, setter) {
                problems.push(format!(
                    "{path:?} is the path of both {other} and {setter}; give one of them another"
                ));
            }
        }

        let probes = [&self.health, &self.liveness, &self.readiness, &self.startup];
        for check in checks {
            let own = probes.map(|path| below(path, check));
            for (setter, path) in named.iter().filter(|(_, path)| own.contains(path)) {
                problems.push(format!(
                    "`{setter}` is {path:?}, where the check `{check}` lies already; give it another path"
                ));
            }
        }
        problems
    }
}

/// Returns the reason why `path` can't be the path of an endpoint, or `None` if `path` is valid.
fn objection(path: &str) -> Option<&'static str> {
    let Some(inner) = path.strip_prefix('/') else {
        return Some("doesn't begin with a slash");
    };
    if inner.is_empty() {
        return None;
    }
    if path.ends_with('/') {
        return Some("ends with a slash");
    }
    if path.contains(['{', '}']) {
        return Some("holds a brace, as a parameter would");
    }
    if path.contains(['?', '#']) {
        return Some("holds a query or a fragment");
    }
    if !path.bytes().all(|byte| byte.is_ascii_graphic()) || path.parse::<PathAndQuery>().is_err() {
        return Some("holds a character that a path doesn't have unless percent-encoded");
    }
    inner.split('/').find_map(|segment| match segment {
        "" => Some("has an empty segment"),
        "." | ".." => Some("has a segment that clients resolve away"),
        // axum panics if a segment begins with `:` or `*`, which marked a parameter in axum's older syntax.
        _ if segment.starts_with([':', '*']) => Some("has a segment that begins with `:` or `*`"),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_paths_have_no_problem() {
        assert_eq!(
            Paths::default().problems(true, true, ["redis"].into_iter()),
            Vec::<String>::new()
        );
    }

    #[test]
    fn what_lies_below_the_health_path_takes_its_place() {
        for (with_document, environment, problems) in [
            (false, "/healthcheck/history", 1),
            (true, "/healthcheck/openapi.json", 1),
            (false, "/healthcheck/openapi.json", 0),
        ] {
            let paths = Paths {
                environment: environment.to_owned(),
                ..Paths::default()
            };
            let found = paths.problems(true, with_document, std::iter::empty());
            assert_eq!(found.len(), problems, "{found:?}");
            assert!(
                found.iter().all(|problem| problem.contains("environment_path")),
                "{found:?}"
            );
        }
    }

    #[test]
    fn every_bad_path_is_objected_to() {
        for bad in [
            "",
            "health",
            "/health/",
            "//",
            "/a//b",
            "/{tenant}/health",
            "/health}",
            "/a?b",
            "/a#b",
            "/a b",
            "/gesund\u{fc}",
            "/a\n",
            "/./a",
            "/a/..",
            "/:id",
            "/*rest",
        ] {
            assert!(objection(bad).is_some(), "{bad:?}");
        }
    }

    #[test]
    fn every_good_path_is_taken() {
        for good in [
            "/",
            "/h",
            "/a/b/c",
            "/healthz.json",
            "/a:b",
            "/%20",
            "/~x",
            "/-/healthy",
        ] {
            assert_eq!(objection(good), None, "{good:?}");
        }
    }
}
