//! What a function must not be, since the library calls it: nobody is there to choose its types or to keep its promises.

use quote::ToTokens;
use syn::{FnArg, GenericParam, ReturnType, Safety, Signature, Type};

use crate::function::peeled;
use crate::problems::Problems;

/// Refuses each guilty token by itself.
pub(crate) fn validate(attribute: &str, sig: &Signature, problems: &mut Problems) {
    let mut refuse = |guilty: &dyn ToTokens, what: &str| {
        problems.refuse(guilty, format!("`#[{attribute}]` functions cannot {what}"));
    };
    if let Some(constness) = &sig.constness {
        refuse(constness, "be `const`");
    }
    if let Safety::Unsafe(unsafety) = &sig.safety {
        refuse(
            unsafety,
            "be `unsafe`: nobody is there to keep the promise; wrap the unsafe block in a safe function",
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
            "be generic: nobody is there to choose the types; write concrete ones",
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
    for input in &sig.inputs {
        if let FnArg::Receiver(receiver) = input {
            refuse(
                receiver,
                "take `self`: put the attribute on a free function and take `&Type` as a dependency",
            );
        }
    }
}
