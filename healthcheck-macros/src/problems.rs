//! Collects the mistakes in one annotated function, to report all of them at once.

use std::fmt::Display;

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Error, Result};

#[derive(Default)]
pub(crate) struct Problems(Option<Error>);

impl Problems {
    pub(crate) fn push(&mut self, problem: Error) {
        match &mut self.0 {
            None => self.0 = Some(problem),
            Some(first) => first.combine(problem),
        }
    }

    /// Records a mistake. The error points to the tokens `guilty`.
    pub(crate) fn refuse(&mut self, guilty: impl ToTokens, message: impl Display) {
        self.push(Error::new_spanned(guilty, message));
    }

    /// Returns the value of `result` if it is `Ok`. Otherwise records the error as a mistake, and returns `None`.
    pub(crate) fn keep<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|problem| self.push(problem)).ok()
    }

    /// Returns `value` if no mistake was recorded, otherwise an error with all mistakes.
    pub(crate) fn into_result<T>(self, value: T) -> Result<T> {
        self.0.map_or(Ok(value), Err)
    }

    /// Generates one `compile_error!` for each recorded mistake. Returns `None` if no mistake was recorded.
    pub(crate) fn into_compile_errors(self) -> Option<TokenStream> {
        self.0.map(Error::into_compile_error)
    }
}
