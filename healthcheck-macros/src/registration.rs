//! Generates the code that registers an annotated function. `#[health_check]` and `#[env_section]` put this code after
//! the function.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, Ident, Meta, Path, parse_quote};

use crate::dependency::Dependency;
use crate::function::Function;

/// Returns the path of the crate `healthcheck` for generated code: the option `crate` if there is one, otherwise
/// `::healthcheck`.
pub(crate) fn krate(chosen: Option<Path>) -> Path {
    chosen.unwrap_or_else(|| parse_quote!(::healthcheck))
}

/// Generates the block that adds `record`, the description of a check or section, to the `inventory` registry.
pub(crate) fn submit(krate: &Path, attrs: &[Attribute], record: &TokenStream) -> TokenStream {
    let allowed = allowed_lints(attrs);
    quote! {
        #allowed
        const _: () = {
            #krate::__private::inventory::submit! { #record }
        };
    }
}

/// Generates the `Bind` through which the library runs the annotated function. `outcome` generates the code that
/// converts the function's return value into an `Outcome`.
///
/// A function without parameters becomes a plain function pointer, which compiles faster than a boxed closure.
///
/// If the function has parameters, the generated code looks up their values once, while the `HealthCheck` is built. If
/// a value is missing, the code looks up the remaining values too, so that the error lists all missing types.
pub(crate) fn bind(
    krate: &Path,
    function: &Function,
    dependencies: &[Dependency],
    outcome: impl FnOnce(&TokenStream) -> TokenStream,
) -> TokenStream {
    let private = quote!(#krate::__private);
    let handles: Vec<Ident> = (0..dependencies.len())
        .map(|index| format_ident!("__healthcheck_{index}", span = Span::mixed_site()))
        .collect();
    let is_async = function.sig.asyncness.is_some();
    let call = call(function, &handles);
    let awaited = is_async.then(|| quote!(.await));
    let outcome = outcome(&quote!(#call #awaited));
    let outcome = if is_async {
        // Call `Box::pin` directly. If there were a generic helper function for this, the compiler would compile it
        // again for each check.
        //
        // Give the variable the span of the function's name. If the function's future isn't `Send`, the compiler's
        // error then points to this name.
        let boxed = Ident::new("__healthcheck_boxed", function.sig.ident.span());
        quote!({
            let #boxed = #private::Box::pin(async move { #outcome });
            #boxed
        })
    } else {
        outcome
    };
    if dependencies.is_empty() {
        let kind = if is_async { quote!(Async) } else { quote!(Blocking) };
        return quote!(#private::Bind::#kind(|| #outcome));
    }
    let binder = Ident::new("__healthcheck_binder", Span::mixed_site());
    let needs = dependencies.iter().map(|dependency| match dependency {
        Dependency::Shared(ty) => quote!(#binder.shared::<#ty>()),
        Dependency::Owned(ty) => quote!(#binder.owned::<#ty>()),
    });
    let run = if is_async {
        // Each run gets its own handles to the provided values, because the run's future may outlive the generated
        // closure.
        quote! {
            #private::async_with(move || {
                #(let #handles = #handles.share();)*
                #outcome
            })
        }
    } else {
        quote!(#private::blocking_with(move || #outcome))
    };
    quote! {
        #private::Bind::With(|#binder| {
            #(let #handles = #needs;)*
            #(let #handles = #handles?;)*
            ::core::option::Option::Some(#run)
        })
    }
}

/// Generates the call of the annotated function. Each handle holds the provided value for one parameter.
fn call(function: &Function, handles: &[Ident]) -> TokenStream {
    let mut name = function.sig.ident.clone();
    if function.returns_impl() {
        // Rust allows an `impl` type only in a signature, so the generated code can't repeat the return type.
        //
        // Give the call the span of the return type. If the return type is wrong, the compiler's error then points to
        // this type.
        name.set_span(name.span().located_at(function.output().span()));
        quote_spanned!(name.span()=> #name(#(#handles.get()),*))
    } else {
        quote!(#name(#(#handles.get()),*))
    }
}

/// Generates the `#[allow]` attributes of the registration: the lints that the function allows or expects, and
/// `deprecated` if the function is deprecated.
fn allowed_lints(attrs: &[Attribute]) -> TokenStream {
    let exceptions = attrs.iter().filter_map(|attr| match &attr.meta {
        Meta::List(list) if list.path.is_ident("allow") || list.path.is_ident("expect") => Some(&list.tokens),
        _ => None,
    });
    let deprecated = attrs
        .iter()
        .find(|attr| attr.path().is_ident("deprecated"))
        .map(|_| quote!(#[allow(deprecated)]));
    quote!(#(#[allow(#exceptions)])* #deprecated)
}
