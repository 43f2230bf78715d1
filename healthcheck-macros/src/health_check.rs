//! `#[health_check]`: from a function to the record of a check.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::{LitStr, Path, Type};

use crate::check_options::CheckOptions;
use crate::function::Function;
use crate::problems::Problems;
use crate::{dependency, doc_comment, duration, name, registration, signature};

pub(crate) fn expand(args: TokenStream, item: TokenStream, problems: &mut Problems) -> Option<TokenStream> {
    let options = CheckOptions::parse(args, problems);
    let function = Function::parse("health_check", item, problems)?;
    signature::validate("health_check", &function.sig, problems);
    let dependencies = dependency::parse(&function.sig, problems);
    let name = checked_name(&options, &function, problems);

    let krate = registration::krate(options.krate.clone());
    let description = doc_comment::description(&function.attrs);
    let origin = registration::origin(&krate);
    let recorded = recorded(&krate, &options);
    let output = function.output();
    let bind = registration::bind(&krate, &function, &dependencies, |call: &TokenStream| {
        outcome(&krate, &output, call)
    });
    let record = quote! {
        #krate::__private::CheckRegistration {
            name: #name,
            description: #description,
            origin: #origin,
            options: #recorded,
            bind: #bind,
        }
    };
    Some(registration::submit(&krate, &function.attrs, &record))
}

/// The name that was given, checked already, or the function's.
fn checked_name(options: &CheckOptions, function: &Function, problems: &mut Problems) -> String {
    let ident = &function.sig.ident;
    let name = match &options.name {
        Some(name) => name.value(),
        None => ident.unraw().to_string(),
    };
    if options.name.is_none()
        && let Some(problem) = name::problem_with_check(&name)
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

/// Only what was written; the rest is the runtime's default.
fn recorded(krate: &Path, options: &CheckOptions) -> TokenStream {
    let some = |value: TokenStream| quote!(::core::option::Option::Some(#value));
    let flag = |yes: bool| yes.then(|| quote!(true));
    let list = |texts: &[LitStr]| (!texts.is_empty()).then(|| quote!(&[#(#texts),*]));
    let time = |time: std::time::Duration| some(duration::tokens(time));
    let limit =
        |limit: Option<std::time::Duration>| some(limit.map_or(quote!(::core::option::Option::None), time));
    let fields = [
        ("liveness", flag(options.liveness)),
        ("readiness", flag(options.readiness)),
        ("startup", flag(options.startup)),
        ("tags", list(&options.tags)),
        ("critical", options.critical.map(ToTokens::into_token_stream)),
        ("external", flag(options.external)),
        ("timeout", options.timeout.map(limit)),
        ("success_ttl", options.success_ttl.map(limit)),
        ("failed_ttl", options.failed_ttl.map(limit)),
        ("interval", options.interval.map(time)),
        ("initial_delay", options.initial_delay.map(time)),
        (
            "failure_threshold",
            options.failure_threshold.map(ToTokens::into_token_stream),
        ),
        (
            "success_threshold",
            options.success_threshold.map(ToTokens::into_token_stream),
        ),
        ("depends_on", list(&options.depends_on)),
    ];
    let fields: Vec<TokenStream> = fields
        .into_iter()
        .filter_map(|(field, value)| value.map(|value| (quote::format_ident!("{field}"), value)))
        .map(|(field, value)| quote!(#field: #value,))
        .collect();
    if fields.is_empty() {
        return quote!(#krate::__private::RegisteredOptions::DEFAULT);
    }
    quote!(#krate::__private::RegisteredOptions { #(#fields)* ..#krate::__private::RegisteredOptions::DEFAULT })
}

/// The compiler's message about a wrong type stands under the return type, where there is one that can be written again.
fn outcome(krate: &Path, output: &Type, call: &TokenStream) -> TokenStream {
    if contains_impl(output.to_token_stream()) {
        quote!(#krate::__private::IntoOutcome::into_outcome(#call))
    } else {
        quote!(<#output as #krate::__private::IntoOutcome>::into_outcome(#call))
    }
}

fn contains_impl(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == "impl",
        TokenTree::Group(group) => contains_impl(group.stream()),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}
