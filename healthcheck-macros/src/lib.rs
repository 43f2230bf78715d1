//! placeholder
use crate::problems::Problems;
use proc_macro2::TokenStream;

mod args;
mod check_options;
mod dependency;
mod doc_comment;
mod duration;
mod env_section;
mod function;
mod health_check;
mod name;
mod problems;
mod registration;
mod section_options;
mod signature;

/// x
#[proc_macro_attribute]
pub fn health_check(args: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    expand(health_check::expand, args, item)
}

/// x
#[proc_macro_attribute]
pub fn env_section(args: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    expand(env_section::expand, args, item)
}

/// What an attribute makes of its arguments and its item: the registration, which counts only where there's no problem.
type Expand = fn(TokenStream, TokenStream, &mut Problems) -> Option<TokenStream>;

/// The function goes out as it came in, whatever happens: it stays callable, and an editor can work in it.
fn expand(
    attribute: Expand,
    args: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    let mut output = TokenStream::from(item);
    let mut problems = Problems::default();
    let registration = attribute(args.into(), output.clone(), &mut problems);
    output.extend(problems.into_compile_errors().or(registration));
    output.into()
}
