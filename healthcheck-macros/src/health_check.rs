//! `#[health_check]`: from a function to the record of a check.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::Path;
use syn::ext::IdentExt;

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
    let recorded = recorded(&krate, &options);
    let bind = registration::bind(&krate, &function, &dependencies, |call: &TokenStream| {
        outcome(&krate, &function, call)
    });
    let record = quote! {
        #krate::__private::RegisteredCheck(|| #krate::__private::CheckRegistration {
            name: #name,
            description: #description,
            origin: #krate::__private::origin!(),
            options: #recorded,
            bind: #bind,
        })
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
    let mut fields = TokenStream::new();
    let mut field = |name: &str, value: TokenStream| {
        let name = Ident::new(name, Span::call_site());
        fields.extend(quote!(#name: #value,));
    };
    let flags = [
        ("liveness", options.liveness),
        ("readiness", options.readiness),
        ("startup", options.startup),
        ("external", options.external),
    ];
    for (name, _) in flags.into_iter().filter(|(_, yes)| *yes) {
        field(name, quote!(true));
    }
    if let Some(critical) = options.critical {
        field("critical", quote!(#critical));
    }
    for (name, texts) in [("tags", &options.tags), ("depends_on", &options.depends_on)] {
        if !texts.is_empty() {
            field(name, quote!(&[#(#texts),*]));
        }
    }
    let limits = [
        ("timeout", options.timeout),
        ("success_ttl", options.success_ttl),
        ("failed_ttl", options.failed_ttl),
    ];
    for (name, limit) in limits {
        match limit {
            None => {}
            Some(None) => field(name, some(&quote!(::core::option::Option::None))),
            Some(Some(limit)) => field(name, some(&some(&duration::tokens(limit)))),
        }
    }
    for (name, time) in [
        ("interval", options.interval),
        ("initial_delay", options.initial_delay),
    ] {
        if let Some(time) = time {
            field(name, some(&duration::tokens(time)));
        }
    }
    let thresholds = [
        ("failure_threshold", options.failure_threshold),
        ("success_threshold", options.success_threshold),
    ];
    for (name, threshold) in thresholds {
        if let Some(threshold) = threshold {
            field(name, quote!(#threshold));
        }
    }
    let default = quote!(#krate::__private::RegisteredOptions::DEFAULT);
    if fields.is_empty() {
        default
    } else {
        quote!(#krate::__private::RegisteredOptions { #fields ..#default })
    }
}

fn some(value: &TokenStream) -> TokenStream {
    quote!(::core::option::Option::Some(#value))
}

/// The compiler's message about a wrong type stands under the return type, where that can be written a second time.
fn outcome(krate: &Path, function: &Function, call: &TokenStream) -> TokenStream {
    if function.returns_impl() {
        quote!(#krate::__private::IntoOutcome::into_outcome(#call))
    } else {
        let output = function.output();
        quote!(<#output as #krate::__private::IntoOutcome>::into_outcome(#call))
    }
}
