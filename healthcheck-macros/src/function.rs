//! The annotated function: its attributes and its signature.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, LitStr, Result, ReturnType, Signature, Token, Type, Visibility, parse_quote};

use crate::problems::Problems;

/// Everything of a function that a registration needs; its body is never looked at, so it may be half typed.
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

    /// The return type, `()` where none is written.
    pub(crate) fn output(&self) -> Type {
        match &self.sig.output {
            ReturnType::Default => parse_quote!(()),
            ReturnType::Type(_, output) => Type::clone(output),
        }
    }

    /// Whether the return type is hidden, `impl Trait`, or holds one that is.
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

/// The type in an invisible group, which a `macro_rules!` puts around its `$t:ty`, or in parentheses.
pub(crate) fn peeled(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => peeled(&group.elem),
        Type::Paren(paren) => peeled(&paren.elem),
        ty => ty,
    }
}

/// Everything but the last pair of braces, so that a long body costs nothing.
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

/// Whether only qualifiers stand before `fn`; `LitStr` is the ABI's name.
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

/// Whose a function is by an attribute that changes it: no registration can name it, or not as it was written.
fn whose_function(attr: &Attribute) -> Option<&'static str> {
    if is_called(attr, "test") {
        Some("a test")
    } else if attr.path().segments.len() > 1 && is_called(attr, "main") {
        // `#[tokio::main]`
        Some("the `main` of a runtime")
    } else {
        None
    }
}

/// An attribute of this name, however its path begins.
fn is_called(attr: &Attribute, name: &str) -> bool {
    attr.path()
        .segments
        .last()
        .is_some_and(|segment| segment.ident == name)
}
