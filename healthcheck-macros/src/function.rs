//! Parses the attributes and the signature of the annotated function.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, LitStr, Result, ReturnType, Signature, Token, Type, Visibility, parse_quote};

use crate::problems::Problems;

/// The parts of an annotated function that its registration needs. The attribute doesn't parse the function's body, so
/// the body may be incomplete while you type.
pub(crate) struct Function {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) sig: Signature,
}

impl Function {
    pub(crate) fn parse(attribute: &str, item: TokenStream, problems: &mut Problems) -> Option<Self> {
        let item = without_body(item);
        let function = problems.keep((|input: ParseStream<'_>| parse(attribute, input)).parse2(item))?;
        for attr in function.attrs.iter().filter(|attr| is_called(attr, attribute)) {
            problems.refuse(
                attr,
                format!("`#[{attribute}]` can stand on a function only once"),
            );
        }
        for (attr, whose) in function
            .attrs
            .iter()
            .filter_map(|attr| Some((attr, whose_function(attr)?)))
        {
            problems.refuse(
                attr,
                format!("{whose} can't be a function of `#[{attribute}]` too: write a function of its own"),
            );
        }
        Some(function)
    }

    /// Returns the function's return type, or `()` if the signature has none.
    pub(crate) fn output(&self) -> Type {
        match &self.sig.output {
            ReturnType::Default => parse_quote!(()),
            ReturnType::Type(_, output) => Type::clone(output),
        }
    }

    /// Returns whether the function's return type is or contains `impl Trait`.
    pub(crate) fn returns_impl(&self) -> bool {
        contains_impl(self.sig.output.to_token_stream())
    }
}

fn contains_impl(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == "impl",
        TokenTree::Group(group) => contains_impl(group.stream()),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

/// Returns the type without the parentheses around it, and without the invisible groups that a `macro_rules!` macro
/// puts around its `$t:ty`.
pub(crate) fn peeled(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => peeled(&group.elem),
        Type::Paren(paren) => peeled(&paren.elem),
        ty => ty,
    }
}

/// Returns the function's tokens without its body, the pair of braces at the end. Parsing the body would cost time, and
/// would fail while the body is incomplete.
fn without_body(item: TokenStream) -> TokenStream {
    let mut trees: Vec<TokenTree> = item.into_iter().collect();
    let is_body = |tree: &mut TokenTree| matches!(tree, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
    let _body = trees.pop_if(is_body);
    trees.into_iter().collect()
}

fn parse(attribute: &str, input: ParseStream<'_>) -> Result<Function> {
    let attrs = input.call(Attribute::parse_outer)?;
    input.parse::<Visibility>()?;
    if !is_function(&input.fork()) {
        return Err(input.error(format!("`#[{attribute}]` belongs on a function")));
    }
    let sig = input.parse()?;
    input.parse::<TokenStream>()?;
    Ok(Function { attrs, sig })
}

/// Returns whether the item is a function: the keyword `fn`, perhaps after qualifiers such as `async` or `extern "C"`.
fn is_function(input: ParseStream<'_>) -> bool {
    while input.peek(Token![const])
        || input.peek(Token![async])
        || input.peek(Token![unsafe])
        || input.peek(Token![extern])
        || input.peek(LitStr)
    {
        if input.parse::<TokenTree>().is_err() {
            return false;
        }
    }
    input.peek(Token![fn])
}

/// If `attr` turns the function into a test or into the `main` of a runtime, returns a description such as "a test". A
/// check or a section can't call such a function.
fn whose_function(attr: &Attribute) -> Option<&'static str> {
    if is_called(attr, "test") {
        Some("a test")
    } else if attr.path().segments.len() > 1 && is_called(attr, "main") {
        // For example `#[tokio::main]`.
        Some("the `main` of a runtime")
    } else {
        None
    }
}

/// Returns whether the last segment of the attribute's path is `name`.
fn is_called(attr: &Attribute, name: &str) -> bool {
    attr.path()
        .segments
        .last()
        .is_some_and(|segment| segment.ident == name)
}
