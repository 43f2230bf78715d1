//! Expands `#[health_check]`: generates the `CheckRegistration` of the annotated function.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Path;
use syn::ext::IdentExt;

use crate::check_options::CheckOptions;
use crate::doc_comment::DocComment;
use crate::function::Function;
use crate::problems::Problems;
use crate::{dependency, registration, rules, signature};

pub(crate) fn expand(args: TokenStream, item: TokenStream, problems: &mut Problems) -> Option<TokenStream> {
    let mut options = CheckOptions::parse(args, problems);
    let function = Function::parse("health_check", item, problems)?;
    signature::validate("health_check", &function.sig, problems)?;
    let dependencies = dependency::parse(&function.sig, problems);
    let name = checked_name(&options, &function, problems);

    let doc_comment = DocComment::of(&function.attrs);
    let description = &doc_comment.description;
    options.when_it_fails(doc_comment.when_it_fails.as_deref());
    let krate = &registration::krate(options.krate.clone());
    let given = options.tokens(krate);
    let bind = registration::bind(krate, &function, &dependencies, |call: &TokenStream| {
        outcome(krate, &function, call)
    });
    let record = quote! {
        #krate::__private::RegisteredCheck(|| #krate::__private::CheckRegistration {
            name: #name,
            description: #description,
            origin: #krate::__private::origin!(),
            options: #given,
            bind: #bind,
        })
    };
    Some(registration::submit(krate, &function.attrs, &record))
}

/// Returns the check's name: the option `name` if there is one, otherwise the name of the function.
///
/// Records a problem if the name of the function isn't a valid name for a check, or if the check depends on itself.
/// `CheckOptions::parse` has already validated the option `name`.
fn checked_name(options: &CheckOptions, function: &Function, problems: &mut Problems) -> String {
    let ident = &function.sig.ident;
    let name = match &options.name {
        Some(name) => name.value(),
        None => ident.unraw().to_string(),
    };
    if options.name.is_none()
        && let Err(problem) = rules::check_name(&name)
    {
        problems.refuse(
            ident,
            format!("{problem}; give it another one: `#[health_check(name = \"…\")]`"),
        );
    }
    for itself in options.depends_on.iter().filter(|other| other.value() == name) {
        problems.refuse(itself, "a check cannot depend on itself");
    }
    name
}

/// Generates code that converts the function's return value into an `Outcome`.
///
/// The code repeats the function's return type. If this type is wrong, the compiler's error points to the type. A
/// return type with `impl Trait` is left out, because generated code can't repeat `impl Trait`.
fn outcome(krate: &Path, function: &Function, call: &TokenStream) -> TokenStream {
    if function.returns_impl() {
        quote!(#krate::__private::IntoOutcome::into_outcome(#call))
    } else {
        let output = function.output();
        quote!(<#output as #krate::__private::IntoOutcome>::into_outcome(#call))
    }
}
