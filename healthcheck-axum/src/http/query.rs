//! The parameters of the query string.

use std::fmt;

use axum::http::StatusCode;
use healthcheck::Selection;

/// The most parameters of a query. A query with more is refused.
const MOST_PARAMETERS: usize = 1024;
/// The longest query in bytes. A longer one is refused without being parsed.
const LONGEST: usize = 32 * 1024;

/// The parameters of a request to a health or probe path. Unknown parameters are ignored, such as the timestamps that
/// clients add to bypass caches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) checks: Vec<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) excluded: Vec<String>,
    /// The value of the last parameter `format` in the query.
    pub(crate) format: Option<String>,
    /// True if the query has the parameter `verbose`, unless its value is `false` or `0`.
    pub(crate) verbose: bool,
}

/// The query of a request without parameters.
pub(crate) static NO_PARAMETERS: Query = Query {
    checks: Vec::new(),
    tags: Vec::new(),
    excluded: Vec::new(),
    format: None,
    verbose: false,
};

/// The reason why a query is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum QueryError {
    TooLong,
    TooMany,
    Escape,
    NotUtf8,
    ControlCharacter,
}

impl Query {
    /// Returns whether the header `Accept` decides the format of the answer.
    pub(crate) const fn leaves_form_to_accept(&self) -> bool {
        self.format.is_none() && !self.verbose
    }

    /// Parses a query as HTML forms encode it: `+` is a space, and `%xx` is a byte of UTF-8.
    pub(crate) fn parse(raw: &str) -> Result<Self, QueryError> {
        if raw.len() > LONGEST {
            return Err(QueryError::TooLong);
        }
        // Refuses invalid escapes and invalid UTF-8. `form_urlencoded` would accept both, and the name that it decodes
        // could be the name of another check.
        if !has_whole_escapes(raw) {
            return Err(QueryError::Escape);
        }
        let decoded = percent_encoding::percent_decode_str(raw)
            .decode_utf8()
            .map_err(|_| QueryError::NotUtf8)?;
        if decoded.chars().any(char::is_control) {
            return Err(QueryError::ControlCharacter);
        }
        let mut query = Self::default();
        for (count, (name, value)) in form_urlencoded::parse(raw.as_bytes()).enumerate() {
            if count >= MOST_PARAMETERS {
                return Err(QueryError::TooMany);
            }
            let list = match &*name {
                "check" => &mut query.checks,
                "tag" => &mut query.tags,
                "exclude" => &mut query.excluded,
                "format" => {
                    query.format = Some(value.into_owned());
                    continue;
                }
                "verbose" => {
                    query.verbose = !matches!(&*value, "false" | "0");
                    continue;
                }
                _ => continue,
            };
            if !list.iter().any(|known| *known == value) {
                list.push(value.into_owned());
            }
        }
        Ok(query)
    }

    /// Returns whether the query has a parameter `check`, `tag` or `exclude`.
    pub(crate) const fn selects(&self) -> bool {
        !(self.checks.is_empty() && self.tags.is_empty() && self.excluded.is_empty())
    }

    /// Returns the checks of a probe that the query selects by name or tag. If the query lists no names and no tags, it
    /// selects all checks of the probe.
    ///
    /// The returned selection doesn't contain the checks that the query excludes.
    pub(crate) fn within(&self, probe: &Selection) -> Selection {
        let mut selection = self.excluding(probe.clone());
        for check in &self.checks {
            selection = selection.with_check(check);
        }
        for tag in &self.tags {
            selection = selection.with_tag(tag);
        }
        selection
    }

    /// Returns the selection without the checks that the query excludes.
    pub(crate) fn excluding(&self, selection: Selection) -> Selection {
        self.excluded.iter().fold(selection, Selection::exclude)
    }
}

fn has_whole_escapes(raw: &str) -> bool {
    raw.split('%').skip(1).all(|escaped| {
        let digits = escaped.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

impl QueryError {
    pub(crate) const fn status(self) -> StatusCode {
        match self {
            Self::TooLong => StatusCode::URI_TOO_LONG,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the query is longer than 32 KiB",
            Self::TooMany => "the query has more than 1024 parameters",
            Self::Escape => {
                "a `%` in the query isn't followed by two hexadecimal digits; write `%25` for `%`"
            }
            Self::NotUtf8 => "the query isn't UTF-8 once it is decoded",
            Self::ControlCharacter => {
                "the query holds a control character, which no name of a check or tag does"
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(raw: &str) -> Query {
        Query::parse(raw).unwrap()
    }

    #[test]
    fn each_parameter_may_come_several_times_and_counts_once() {
        let query = parsed("check=a&tag=t&check=b&exclude=c&check=a&exclude=c");
        assert_eq!(query.checks, ["a", "b"]);
        assert_eq!(query.tags, ["t"]);
        assert_eq!(query.excluded, ["c"]);
    }

    #[test]
    fn plus_and_percent_are_decoded_and_an_empty_value_is_a_name() {
        let query = parsed("check=disk+space&check=caf%C3%A9&check=&check&tag=a%26b%3Dc");
        assert_eq!(query.checks, ["disk space", "café", ""]);
        assert_eq!(query.tags, ["a&b=c"]);
    }

    #[test]
    fn unknown_parameters_and_empty_ones_are_ignored() {
        assert_eq!(parsed("_=1598022539&&=&x=%20&Check=a"), Query::default());
    }

    #[test]
    fn verbose_is_on_unless_it_says_otherwise() {
        for (raw, verbose) in [
            ("verbose", true),
            ("verbose=", true),
            ("verbose=1", true),
            ("verbose=true", true),
            ("verbose=false", false),
            ("verbose=0", false),
            ("", false),
        ] {
            assert_eq!(parsed(raw).verbose, verbose, "{raw}");
        }
    }

    #[test]
    fn the_last_format_counts() {
        assert_eq!(parsed("format=text&format=json").format.as_deref(), Some("json"));
    }

    #[test]
    fn a_thousand_and_twenty_four_parameters_are_read_and_no_more() {
        let parameters = |count| vec!["x=1"; count].join("&");
        assert!(Query::parse(&parameters(MOST_PARAMETERS)).is_ok());
        assert_eq!(
            Query::parse(&parameters(MOST_PARAMETERS + 1)),
            Err(QueryError::TooMany)
        );
    }

    #[test]
    fn what_can_only_be_an_attack_or_a_mistake_is_refused() {
        for (raw, error) in [
            ("check=%", QueryError::Escape),
            ("check=%4", QueryError::Escape),
            ("check=%zz", QueryError::Escape),
            ("x=%%34%31", QueryError::Escape),
            ("check=%ff", QueryError::NotUtf8),
            ("check=%C3&tag=%A9", QueryError::NotUtf8),
            ("tag=%ED%A0%80", QueryError::NotUtf8),
            ("check=a%00", QueryError::ControlCharacter),
            ("%00", QueryError::ControlCharacter),
            ("exclude=%0d%0aX-Injected:+1", QueryError::ControlCharacter),
            (&"x".repeat(LONGEST + 1), QueryError::TooLong),
        ] {
            assert_eq!(Query::parse(raw), Err(error), "{raw:.40}");
        }
    }
}
