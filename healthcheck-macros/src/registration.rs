//! The block that stands beside the function: what both attributes emit in the same way.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, Ident, Meta, Path, parse_quote};

use crate::dependency::Dependency;
use crate::function::Function;

/// Where generated code finds the runtime.
pub(crate) fn krate(chosen: Option<Path>) -> Path {
    chosen.unwrap_or_else(|| parse_quote!(::healthcheck))
}

/// Submits a record to the registry that the linker puts together.
pub(crate) fn submit(krate: &Path, attrs: &[Attribute], record: &TokenStream) -> TokenStream {
    let allowed = allowed_lints(attrs);
    quote! {
        #allowed
        const _: () = {
            #krate::__private::inventory::submit! { #record }
        };
    }
}

/// How the function is called; `outcome` wraps the call.
///
/// A function without parameters is a plain pointer: it costs less to compile than a boxed closure. One with
/// parameters resolves all of them once, so that every missing one is noted and no run can fail on a look-up.
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
        // Boxed here and not by a function, which would be one more to compile for each check. The compiler's message
        // about a future that isn't `Send` stands under the function's name, whose place the variable takes.
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
        // Each run takes handles of its own, since it may outlive the caller.
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

/// The function, called with what it needs.
fn call(function: &Function, handles: &[Ident]) -> TokenStream {
    let mut name = function.sig.ident.clone();
    if function.returns_impl() {
        // A hidden type can't be written a second time, so the call takes its place in the compiler's messages.
        name.set_span(name.span().located_at(function.output().span()));
        quote_spanned!(name.span()=> #name(#(#handles.get()),*))
    } else {
        quote!(#name(#(#handles.get()),*))
    }
}

/// The function's own exceptions hold for its registration, too; and a deprecated check is called nevertheless.
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
