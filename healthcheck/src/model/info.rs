use std::borrow::Cow;
use std::panic::Location;

use super::CheckOptions;

/// The name, description, source location and options of a check.
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
    /// Returns the check's name. No other check of the same `HealthCheck` has this name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the check's description. It is the first paragraph of the function's doc comment, unless the code or the
    /// settings set another text.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        Some(&*self.description).filter(|text| !text.is_empty())
    }

    /// Returns the module path of the annotated function. The path is empty for a [`Check`](crate::Check) built in
    /// code.
    #[must_use]
    pub const fn module(&self) -> &str {
        self.module
    }

    /// Returns the source file of the annotated function. For a [`Check`](crate::Check) built in code, returns the file
    /// of the call that built the check.
    #[must_use]
    pub const fn file(&self) -> &str {
        self.file
    }

    /// Returns the line of the check's source location in [`file`](Self::file).
    #[must_use]
    pub const fn line(&self) -> u32 {
        self.line
    }

    /// Returns the effective options. The attribute or [`Check`](crate::Check) overrides the defaults, and the settings
    /// override both.
    #[must_use]
    pub const fn options(&self) -> &CheckOptions {
        &self.options
    }

    /// Returns a copy of this info without the description, owner, runbook and instructions. This copy is for callers
    /// that may not see these details.
    #[must_use]
    pub fn without_description(mut self) -> Self {
        self.description = Cow::Borrowed("");
        self.options.clear_notes();
        self
    }

    /// Creates the info of an annotated function, with an empty location. [`at`](Self::at) sets the location.
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

    /// Returns the check's name. If the check is an annotated function, the name is a constant and isn't copied.
    pub(crate) fn shared_name(&self) -> Cow<'static, str> {
        self.name.clone()
    }

    pub(crate) fn location(&self) -> String {
        format!("{}:{}", self.file, self.line)
    }

    pub(crate) const fn options_mut(&mut self) -> &mut CheckOptions {
        &mut self.options
    }

    /// Returns true if [`own_texts_mut`](Self::own_texts_mut) may return at least one text.
    pub(crate) fn has_own_texts(&self) -> bool {
        matches!(self.description, Cow::Owned(_)) || self.options.has_notes()
    }

    /// Returns the texts of this info that were built at run time, so that the caller can redact them. The other texts
    /// come from an attribute: they are constants in the source and contain no secrets.
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
