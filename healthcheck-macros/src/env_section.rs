//! `#[env_section]`: from a function to the record of a section.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;

use crate::function::Function;
use crate::problems::Problems;
use crate::section_options::SectionOptions;
use crate::{dependency, name, registration, signature};

pub(crate) fn expand(args: TokenStream, item: TokenStream, problems: &mut Problems) -> Option<TokenStream> {
    let options = SectionOptions::parse(args, problems);
    let function = Function::parse("env_section", item, problems)?;
    signature::validate("env_section", &function.sig, problems);
    let dependencies = dependency::parse(&function.sig, problems);
    let name = checked_name(&options, &function, problems);

    let krate = registration::krate(options.krate);
    let origin = registration::origin(&krate);
    let in_health = options.in_health;
    // A method call, since its inherent form, on a `Result`, wins over the trait's.
    let outcome = |call: &TokenStream| {
        quote!({
            use #krate::__private::IntoSection as _;
            #krate::__private::Shape(#call).into_section()
        })
    };
    let bind = registration::bind(&krate, &function.sig, &dependencies, outcome);
    let record = quote! {
        #krate::__private::SectionRegistration {
            name: #name,
            origin: #origin,
            in_health: #in_health,
            bind: #bind,
        }
    };
    Some(registration::submit(&krate, &function.attrs, &record))
}

/// The name that was given, or the function's.
fn checked_name(options: &SectionOptions, function: &Function, problems: &mut Problems) -> String {
    let ident = &function.sig.ident;
    let name = match &options.name {
        Some(name) => name.value(),
        None => ident.unraw().to_string(),
    };
    if let Some(problem) = name::problem_with_section(&name, options.in_health) {
        match &options.name {
            Some(literal) => problems.refuse(literal, problem),
            None => problems.refuse(ident, format!("{problem}; give it another one: `name = \"…\"`")),
        }
    }
    name
}
