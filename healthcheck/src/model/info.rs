use std::borrow::Cow;
use std::panic::Location;

use super::CheckOptions;

/// A check's name, description, source location and options.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckInfo {
    name: Cow<'static, str>,
    description: Cow<'static, str>,
    module: &'static str,
    file: &'static str,
    line: u32,
    options: CheckOptions,
}

impl CheckInfo {
    /// The name, unique in its registry.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first paragraph of the function's doc comment.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        Some(&*self.description).filter(|text| !text.is_empty())
    }

    /// The module path of the function; empty for a check written by hand.
    #[must_use]
    pub const fn module(&self) -> &str {
        self.module
    }

    /// The file it stands in.
    #[must_use]
    pub const fn file(&self) -> &str {
        self.file
    }

    /// The line it stands on.
    #[must_use]
    pub const fn line(&self) -> u32 {
        self.line
    }

    /// Its options, as they are in force: defaults, the attribute or [`Check`](crate::Check), then the settings.
    #[must_use]
    pub const fn options(&self) -> &CheckOptions {
        &self.options
    }

    /// The same without what somebody wrote about it: description, owner, runbook and what to do when it fails. For
    /// those who may not see it.
    #[must_use]
    pub fn without_description(mut self) -> Self {
        self.description = Cow::Borrowed("");
        self.options.clear_notes();
        self
    }

    /// Of a function that is annotated.
    pub(crate) const fn annotated(
        name: &'static str,
        description: &'static str,
        options: CheckOptions,
    ) -> Self {
        Self {
            name: Cow::Borrowed(name),
            description: Cow::Borrowed(description),
            module: "",
            file: "",
            line: 0,
            options,
        }
    }

    pub(crate) const fn at(mut self, module: &'static str, file: &'static str, line: u32) -> Self {
        self.module = module;
        self.file = file;
        self.line = line;
        self
    }

    pub(crate) fn by_hand(name: String, at: &'static Location<'static>) -> Self {
        Self {
            name: name.into(),
            description: Cow::Borrowed(""),
            module: "",
            file: at.file(),
            line: at.line(),
            options: CheckOptions::default(),
        }
    }

    /// The name, without a copy where it is an annotated function's.
    pub(crate) fn shared_name(&self) -> Cow<'static, str> {
        self.name.clone()
    }

    pub(crate) fn location(&self) -> String {
        format!("{}:{}", self.file, self.line)
    }

    pub(crate) const fn options_mut(&mut self) -> &mut CheckOptions {
        &mut self.options
    }

    /// Whether it has any.
    pub(crate) fn has_own_texts(&self) -> bool {
        matches!(self.description, Cow::Owned(_)) || self.options.has_notes()
    }

    /// The texts that were made while the program ran, which a secret may have got into; those of an attribute are part
    /// of the source.
    pub(crate) fn own_texts_mut(&mut self) -> impl Iterator<Item = &mut String> {
        let description = match &mut self.description {
            Cow::Borrowed(_) => None,
            Cow::Owned(text) => Some(text),
        };
        description.into_iter().chain(self.options.own_texts_mut())
    }

    pub(crate) fn describe(&mut self, text: String) {
        self.description = text.into();
    }
}
