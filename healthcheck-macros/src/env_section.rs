//! Expands `#[env_section]`: generates the `SectionRegistration` of the annotated function.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::Path;
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use crate::function::Function;
use crate::problems::Problems;
use crate::section_options::SectionOptions;
use crate::{dependency, registration, rules, signature};

pub(crate) fn expand(args: TokenStream, item: TokenStream, problems: &mut Problems) -> Option<TokenStream> {
    let options = SectionOptions::parse(args, problems);
    let function = Function::parse("env_section", item, problems)?;
    signature::validate("env_section", &function.sig, problems)?;
    let dependencies = dependency::parse(&function.sig, problems);
    let name = checked_name(&options, &function, problems);

    let krate = registration::krate(options.krate);
    let in_health = options.in_health;
    let bind = registration::bind(&krate, &function, &dependencies, |call| {
        outcome(&krate, &function, call)
    });
    let record = quote! {
        #krate::__private::SectionRegistration {
            name: #name,
            origin: #krate::__private::origin!(),
            in_health: #in_health,
            bind: #bind,
        }
    };
    Some(registration::submit(&krate, &function.attrs, &record))
}

/// Generates code that converts the function's return value into an outcome. The code wraps the return value in a
/// `Shape` and calls `into_section` on the `Shape`.
///
/// If the return value is a `Result`, `into_section` is an inherent method of `Shape`. For any other type,
/// `into_section` is the method of the trait `IntoSection`.
///
/// In the generated code, two tokens have the span of the return type: the variable with the `Shape`, and the method's
/// name. If the return type is wrong, the compiler reports the error at one of these tokens. So the error points to the
/// return type.
fn outcome(krate: &Path, function: &Function, call: &TokenStream) -> TokenStream {
    let place = function.output().span();
    let shape = Ident::new("__healthcheck_shape", place);
    let into_section = Ident::new("into_section", place);
    quote! {{
        use #krate::__private::IntoSection as _;
        let #shape = #krate::__private::Shape(#call);
        #shape.#into_section()
    }}
}

/// Returns the section's name: the option `name` if there is one, otherwise the name of the function. Records a problem
/// if the name isn't valid.
fn checked_name(options: &SectionOptions, function: &Function, problems: &mut Problems) -> String {
    let ident = &function.sig.ident;
    let name = match &options.name {
        Some(name) => name.value(),
        None => ident.unraw().to_string(),
    };
    if let Err(problem) = rules::section_name(&name, options.in_health) {
        match &options.name {
            Some(literal) => problems.refuse(literal, problem),
            None => problems.refuse(ident, format!("{problem}; give it another one: `name = \"…\"`")),
        }
    }
    name
}
