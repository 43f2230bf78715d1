//! Rejects functions whose signature the library can't call. For example, the library can't choose the types of a
//! generic function, or keep the safety contract of an `unsafe` function.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{GenericParam, ReturnType, Safety, Signature, Type};

use crate::function::peeled;
use crate::problems::Problems;

/// Records a problem for each part of the signature that isn't allowed. If the function is in an `impl` or a `trait`,
/// records only that problem and returns `None`.
pub(crate) fn validate(attribute: &str, sig: &Signature, problems: &mut Problems) -> Option<()> {
    if let Some(guilty) = of_a_type(sig) {
        problems.refuse(
            guilty,
            format!(
                "`#[{attribute}]` belongs on a free function: a run has no `self`; move the function out of the `impl` or \
                 `trait`, and take `&Type` as a parameter, which `.provide(value)` gives"
            ),
        );
        return None;
    }
    let mut refuse = |guilty: &dyn ToTokens, what: &str| {
        problems.refuse(guilty, format!("`#[{attribute}]` functions cannot {what}"));
    };
    if let Some(constness) = &sig.constness {
        refuse(constness, "be `const`");
    }
    if let Safety::Unsafe(unsafety) = &sig.safety {
        refuse(
            unsafety,
            "be `unsafe`: the library can't keep the promises of its caller; wrap the unsafe block in a safe function",
        );
    }
    if let Some(abi) = &sig.abi {
        refuse(abi, "be `extern`: call the foreign function from one of your own");
    }
    if sig
        .generics
        .params
        .iter()
        .all(|param| matches!(param, GenericParam::Lifetime(_)))
    {
        if !sig.generics.params.is_empty() {
            refuse(
                &sig.generics,
                "have lifetime parameters: a dependency is lent for one run; write `&T`",
            );
        }
    } else {
        refuse(
            &sig.generics,
            "be generic: the library can't choose the types; write concrete ones",
        );
    }
    if let Some(clause) = &sig.generics.where_clause {
        refuse(clause, "have a `where` clause: write concrete types");
    }
    if let Some(variadic) = &sig.variadic {
        refuse(variadic, "be variadic");
    }
    if let ReturnType::Type(_, output) = &sig.output
        && matches!(peeled(output), Type::Never(_))
    {
        refuse(output, "return `!`: a run has to end with an outcome");
    }
    Some(())
}

/// If the signature shows that the function is in an `impl` or a `trait`, returns the token that shows it: `self` or
/// `Self`, for example.
///
/// If `#[async_trait]` has already rewritten the function, the signature has the lifetime `'async_trait`. This lifetime
/// also shows that the function is in an `impl` or a `trait`.
fn of_a_type(sig: &Signature) -> Option<TokenStream> {
    let receiver = sig.receiver().map(ToTokens::to_token_stream);
    let named_self = || find(sig.to_token_stream(), "Self");
    let async_trait = || {
        let mut lifetimes = sig.generics.lifetimes();
        let added = lifetimes.any(|it| it.lifetime.ident == "async_trait");
        added.then(|| sig.ident.to_token_stream())
    };
    receiver.or_else(named_self).or_else(async_trait)
}

fn find(tokens: TokenStream, word: &str) -> Option<TokenStream> {
    tokens.into_iter().find_map(|token| match token {
        TokenTree::Ident(ident) if ident == word => Some(ident.into_token_stream()),
        TokenTree::Group(group) => find(group.stream(), word),
        _ => None,
    })
}
