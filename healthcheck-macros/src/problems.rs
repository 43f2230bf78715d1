//! Every mistake of one annotated function, reported in one go.

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

    /// Notes a mistake under exactly these tokens.
    pub(crate) fn refuse(&mut self, guilty: impl ToTokens, message: impl Display) {
        self.push(Error::new_spanned(guilty, message));
    }

    /// The value, or `None` and one more mistake.
    pub(crate) fn keep<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|problem| self.push(problem)).ok()
    }

    /// The value, if there was no mistake.
    pub(crate) fn into_result<T>(self, value: T) -> Result<T> {
        self.0.map_or(Ok(value), Err)
    }

    /// One `compile_error!` for each mistake; `None` where there is none.
    pub(crate) fn into_compile_errors(self) -> Option<TokenStream> {
        self.0.map(Error::into_compile_error)
    }
}
