//! The formats of a report: the built-in ones and the application's own.

use std::borrow::Cow;
use std::sync::Arc;

use axum::http::HeaderValue;

use super::compat::{aspnet, microprofile, spring};
use super::form::{Endpoint, Form};
use super::{Format, health_json, html, json, openmetrics, prometheus, text};

/// All formats: first the built-in ones, then those of the application. If a request accepts several formats equally,
/// it gets the one that comes first in this list.
#[derive(Clone)]
pub(crate) struct Formats {
    entries: Vec<Entry>,
}

#[derive(Clone)]
struct Entry {
    /// The name of the format. The name of a built-in format is borrowed, and the name of an application's format is
    /// owned.
    name: Cow<'static, str>,
    format: Arc<dyn Format>,
    acceptability: Acceptability,
}

/// Decides which media ranges of an `Accept` header select a format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Acceptability {
    /// The format's media type, and each wildcard that includes this type, such as `*/*`.
    Wild(Cow<'static, str>),
    /// Only the format's media type, without wildcards.
    Named(Cow<'static, str>),
    /// Only the format's media type with a parameter `version`, as in `text/plain; version=0.0.4`.
    Versioned(&'static str),
    /// No media range selects the format: a request selects it only by `?format=`.
    Nothing,
}

impl Default for Formats {
    fn default() -> Self {
        fn entry(name: &'static str, format: impl Format, acceptability: Acceptability) -> Entry {
            Entry {
                name: name.into(),
                format: Arc::new(format),
                acceptability,
            }
        }
        let wild = |media: &'static str| Acceptability::Wild(media.into());
        let named = |media: &'static str| Acceptability::Named(media.into());
        Self {
            // The order of this list is fixed, because constants such as `Form::TEXT` are indices in this list.
            entries: vec![
                entry("json", json::Json, wild("application/json")),
                entry(
                    "health+json",
                    health_json::HealthJson,
                    wild("application/health+json"),
                ),
                entry("text", text::Text, wild("text/plain")),
                entry("html", html::Html, wild("text/html")),
                entry(
                    "openmetrics",
                    openmetrics::OpenMetrics,
                    named("application/openmetrics-text"),
                ),
                entry(
                    "prometheus",
                    prometheus::Prometheus,
                    Acceptability::Versioned("text/plain"),
                ),
                entry(
                    "spring",
                    spring::Spring,
                    named("application/vnd.spring-boot.actuator.v3+json"),
                ),
                entry("microprofile", microprofile::MicroProfile, Acceptability::Nothing),
                entry("aspnet", aspnet::AspNet, Acceptability::Nothing),
            ],
        }
    }
}

impl Formats {
    /// Adds a format of the application. If a format with the same name exists, the new format replaces it.
    pub(crate) fn insert(&mut self, name: String, format: impl Format) {
        let entry = Entry {
            acceptability: Acceptability::Named(essence(&format.content_type()).into()),
            name: name.into(),
            format: Arc::new(format),
        };
        let place = self.entries.iter_mut().find(|known| known.name == entry.name);
        match place {
            // The new format keeps the media type by which an `Accept` header selected the old format. A request can
            // select the new format by this media type, and by `?format=`.
            Some(known) => {
                known.format = entry.format;
                known.name = entry.name;
            }
            None => self.entries.push(entry),
        }
    }

    pub(crate) fn get(&self, form: Form) -> &dyn Format {
        // `form` is always a valid index, because this list created it and the list never removes an entry.
        self.entries
            .get(form.0)
            .map_or(Self::default_json(), |entry| &*entry.format)
    }

    /// Returns the built-in JSON format, which takes the place of a format that panicked.
    pub(crate) const fn default_json() -> &'static dyn Format {
        &json::Json
    }

    pub(crate) fn name(&self, form: Form) -> &str {
        self.entries.get(form.0).map_or("json", |entry| &entry.name)
    }

    /// Returns the names of the formats in which an endpoint of the kind `on` can answer.
    pub(crate) fn names(&self, on: Endpoint) -> impl Iterator<Item = &str> {
        self.forms()
            .zip(&self.entries)
            .filter(move |(form, _)| form.is_to_be_had(on))
            .map(|(_, entry)| &*entry.name)
    }

    /// Returns the media type of each format of an endpoint, without parameters. For a built-in format, also returns
    /// its name.
    #[cfg(feature = "openapi")]
    pub(crate) fn media(&self, on: Endpoint) -> impl Iterator<Item = (Option<&'static str>, String)> {
        let entries = self.forms().zip(&self.entries);
        let here = entries.filter(move |(form, _)| form.is_to_be_had(on));
        here.map(|(_, entry)| {
            let built_in = match entry.name {
                Cow::Borrowed(name) => Some(name),
                Cow::Owned(_) => None,
            };
            (built_in, essence(&entry.format.content_type()))
        })
    }

    pub(crate) fn forms(&self) -> impl DoubleEndedIterator<Item = Form> + ExactSizeIterator {
        (0..self.entries.len()).map(Form)
    }

    pub(crate) fn named(&self, name: &str) -> Option<Form> {
        // In a query `+` means a space. So for `?format=health+json` the argument `name` is "health json".
        let is_it = |entry: &Entry| {
            entry.name.len() == name.len()
                && entry
                    .name
                    .chars()
                    .zip(name.chars())
                    .all(|(own, asked)| own == asked || (own, asked) == ('+', ' '))
        };
        self.entries.iter().position(is_it).map(Form)
    }

    pub(crate) fn acceptability(&self, form: Form) -> &Acceptability {
        self.entries
            .get(form.0)
            .map_or(&Acceptability::Nothing, |entry| &entry.acceptability)
    }
}

impl std::fmt::Debug for Formats {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.names(Endpoint::Health)).finish()
    }
}

/// Returns a content type without its parameters, such as `text/html` for `text/html; charset=utf-8`.
pub(crate) fn essence(content_type: &HeaderValue) -> String {
    let text = content_type.to_str().unwrap_or_default();
    let media = text.split(';').next().unwrap_or_default();
    media.trim().to_ascii_lowercase()
}
