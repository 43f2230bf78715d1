//! Parses the parameters of an annotated function. Each parameter is a dependency: a value that the program provides.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{
    Attribute, FnArg, GenericArgument, Lifetime, PathArguments, Signature, Type, TypeParamBound, TypePath,
    TypeReference,
};

use crate::function::peeled;
use crate::problems::Problems;

/// One parameter of an annotated function. Each variant stores `T`, the type of the value that the program provides for
/// the parameter.
pub(crate) enum Dependency {
    /// A parameter of type `&T`: a run borrows the value.
    Shared(Type),
    /// A parameter of type `T`: each run gets a clone of the value.
    Owned(Type),
}

/// Parses all parameters of a function, in order. Records a problem for each parameter whose type isn't supported.
pub(crate) fn parse(sig: &Signature, problems: &mut Problems) -> Vec<Dependency> {
    let mut dependencies = Vec::new();
    for input in &sig.inputs {
        // The module `signature` has already rejected functions that take `self`.
        if let FnArg::Typed(parameter) = input {
            refuse_cfg(&parameter.attrs, problems);
            dependencies.extend(dependency(&parameter.ty, sig, problems));
        }
    }
    dependencies
}

/// Rejects `#[cfg]` on a parameter. The compiler evaluates `#[cfg]` only after our attribute has expanded, so our
/// attribute can't know whether the parameter exists.
fn refuse_cfg(attrs: &[Attribute], problems: &mut Problems) {
    for attr in attrs
        .iter()
        .filter(|attr| attr.path().is_ident("cfg") || attr.path().is_ident("cfg_attr"))
    {
        problems.refuse(
            attr,
            "a dependency cannot be conditional: put `#[cfg]` on two variants of the function",
        );
    }
}

fn dependency(ty: &Type, sig: &Signature, problems: &mut Problems) -> Option<Dependency> {
    let ty = peeled(ty);
    let refused = match ty {
        Type::Reference(reference) => refused_reference(reference, sig),
        owned => refused_owned(owned, sig),
    };
    if let Some((guilty, message)) = refused {
        problems.refuse(guilty, message);
        return None;
    }
    Some(match ty {
        Type::Reference(reference) => Dependency::Shared(Type::clone(&reference.elem)),
        owned => Dependency::Owned(owned.clone()),
    })
}

/// A mistake in a parameter: the wrong tokens, and the error message.
type Refused = (TokenStream, &'static str);

fn refused_reference(reference: &TypeReference, sig: &Signature) -> Option<Refused> {
    if reference.mutability.is_some() {
        let message = "a dependency cannot be `&mut`: it is shared with other runs; take `&Mutex<T>`";
        return Some((reference.to_token_stream(), message));
    }
    match unsized_type(peeled(&reference.elem)) {
        Some(message) => Some((reference.to_token_stream(), message)),
        None => refused_lifetime(reference.lifetime.as_ref(), sig)
            .or_else(|| refused_within(&reference.elem, sig)),
    }
}

fn refused_owned(owned: &Type, sig: &Signature) -> Option<Refused> {
    match unsized_type(owned) {
        Some(message) => Some((owned.to_token_stream(), message)),
        None => refused_within(owned, sig),
    }
}

/// Returns the error message if the type is `str`, a slice or `dyn Trait`. Other unsized types can't be recognised
/// here, because their tokens look like those of a sized type.
fn unsized_type(ty: &Type) -> Option<&'static str> {
    match ty {
        Type::Path(TypePath {
            qself: None, path, ..
        }) if path.is_ident("str") => Some(
            "a dependency cannot be `str`: take `&String`, or better a type of your own that says which text it is",
        ),
        Type::Slice(_) => Some("a dependency cannot be a slice: take `&Vec<T>`"),
        Type::TraitObject(_) => Some(
            "a dependency cannot be `dyn Trait`: take `&Arc<dyn Trait>` and provide it as `.provide::<Arc<dyn Trait>>(…)`",
        ),
        _ => None,
    }
}

/// Rejects a named lifetime, as in `&'a T`. The `HealthCheck` owns the value and lends it to the function only for one
/// run.
fn refused_lifetime(lifetime: Option<&Lifetime>, sig: &Signature) -> Option<Refused> {
    let lifetime = lifetime.filter(|lifetime| lifetime.ident != "_")?;
    // If the function declares this lifetime, the module `signature` has already reported it.
    if sig
        .generics
        .lifetimes()
        .any(|declared| declared.lifetime == *lifetime)
    {
        return None;
    }
    let message = "a dependency is lent for one run and cannot have a named lifetime: write `&T`";
    Some((lifetime.to_token_stream(), message))
}

/// Rejects a type that contains a reference or `impl Trait`. A type must be concrete and `'static`, because the library
/// finds a provided value by the `TypeId` of the type.
fn refused_within(ty: &Type, sig: &Signature) -> Option<Refused> {
    match peeled(ty) {
        Type::Reference(reference) => Some((
            reference.to_token_stream(),
            "a dependency cannot contain a reference: provide a value that owns what it holds, like an `Arc<T>`",
        )),
        Type::ImplTrait(opaque) => Some((
            opaque.to_token_stream(),
            "a dependency needs a concrete type, it is found by it: write the type, or `Arc<dyn Trait>`",
        )),
        Type::Array(array) => refused_within(&array.elem, sig),
        Type::Slice(slice) => refused_within(&slice.elem, sig),
        Type::Tuple(tuple) => tuple.elems.iter().find_map(|elem| refused_within(elem, sig)),
        Type::Path(path) => path
            .path
            .segments
            .iter()
            .find_map(|segment| refused_argument(&segment.arguments, sig)),
        Type::TraitObject(object) => object.bounds.iter().find_map(|bound| match bound {
            TypeParamBound::Trait(bound) => bound
                .path
                .segments
                .iter()
                .find_map(|segment| refused_argument(&segment.arguments, sig)),
            _ => None,
        }),
        // All other types are allowed. One of them is a function pointer such as `fn(&str)`, which takes references but
        // doesn't store them.
        _ => None,
    }
}

fn refused_argument(arguments: &PathArguments, sig: &Signature) -> Option<Refused> {
    // References in the parentheses of `Fn(&str)` are allowed, because a value of such a type doesn't store them.
    let PathArguments::AngleBracketed(arguments) = arguments else {
        return None;
    };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => refused_within(ty, sig),
        GenericArgument::AssocType(assoc) => refused_within(&assoc.ty, sig),
        GenericArgument::Lifetime(lifetime) if lifetime.ident != "static" => Some((
            lifetime.to_token_stream(),
            "a dependency cannot borrow: provide a value that owns what it holds",
        )),
        _ => None,
    })
}
