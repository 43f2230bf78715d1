//! Parses the option list of an attribute into keys and values. `check_options` and `section_options` interpret the
//! values.

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Error, Lit, LitBool, LitInt, LitStr, Path, Result, Token, parenthesized, token};

use crate::problems::Problems;
use crate::rules;

/// One option of an attribute, such as `timeout = "2s"`. The value isn't interpreted yet.
pub(crate) struct Arg {
    pub(crate) key: Ident,
    value: Value,
}

enum Value {
    Missing,
    Assigned(TokenStream),
    Listed(token::Paren, TokenStream),
}

// The grammar of an attribute with options:
//
// #[attribute]
// #[attribute()]
// #[attribute(OPTION, OPTION, …)]    a trailing comma is allowed
//
// OPTION:  key                       a switch: it is on if it is written
//          key = value               the value is a literal; for the key `crate` it is a path
//          key("a", "b")             the value is a list of strings
//
/// Parses the options. Returns each option together with the value that `table` has for its key. Records an unknown or
/// repeated key as a problem, and continues with the next option.
pub(crate) fn parse<T: Copy>(
    attribute: &str,
    table: &[(&'static str, T)],
    tokens: TokenStream,
    problems: &mut Problems,
) -> Vec<(Arg, T)> {
    let list = |input: ParseStream<'_>| Ok(parse_list(attribute, table, input, problems));
    // `parse_list` consumes every token and records its errors as problems, so `parse2` never fails.
    list.parse2(tokens).unwrap_or_default()
}

fn parse_list<T: Copy>(
    attribute: &str,
    table: &[(&'static str, T)],
    input: ParseStream<'_>,
    problems: &mut Problems,
) -> Vec<(Arg, T)> {
    let mut args: Vec<(Arg, T)> = Vec::new();
    while !input.is_empty() {
        match parse_arg(attribute, input) {
            Err(problem) => problems.push(problem),
            Ok(arg) => match table.iter().find(|(key, _)| arg.key == key) {
                None => {
                    let known = table.iter().map(|(key, _)| *key);
                    let instead = rules::instead_of(&arg.key.to_string(), known);
                    let message = format!("unknown option `{}`, {instead}", arg.key);
                    problems.refuse(arg.key, message);
                }
                Some(_) if args.iter().any(|(earlier, _)| earlier.key == arg.key) => {
                    let message = format!("`{}` specified more than once", arg.key);
                    problems.refuse(arg.key, message);
                }
                Some((_, meaning)) => args.push((arg, *meaning)),
            },
        }
        skip_past_comma(input);
    }
    args
}

fn parse_arg(attribute: &str, input: ParseStream<'_>) -> Result<Arg> {
    if !input.peek(Ident::peek_any) {
        let message = format!("expected an option of `#[{attribute}]`, like `name = \"…\"`");
        return Err(input.error(message));
    }
    let key = input.call(Ident::parse_any)?;
    let value = if input.peek(token::Paren) {
        let list;
        let paren = parenthesized!(list in input);
        Value::Listed(paren, list.parse()?)
    } else if input.peek(Token![=]) {
        input.parse::<Token![=]>()?;
        let tokens = until_comma(input);
        if let Some(next) = after_literal(&tokens) {
            return Err(Error::new(next.span(), "expected `,`"));
        }
        Value::Assigned(tokens)
    } else {
        Value::Missing
    };
    if !input.is_empty() && !input.peek(Token![,]) {
        let expected = match value {
            Value::Missing => format!("expected `,`, `= …` or `(…)` after `{key}`"),
            Value::Assigned(_) | Value::Listed(..) => "expected `,`".to_owned(),
        };
        return Err(input.error(expected));
    }
    Ok(Arg { key, value })
}

/// Looks for a missing comma. If `value` begins with a literal and the comma after the literal is missing, returns the
/// next token: the key of the next option, or a `;`.
///
/// Returns `None` if an operator follows the literal, as in `1 + 1`. No comma is missing there, and the caller rejects
/// the expression later.
fn after_literal(value: &TokenStream) -> Option<TokenTree> {
    let mut tokens = value.clone().into_iter();
    match tokens.next()? {
        TokenTree::Literal(_) => {}
        TokenTree::Ident(word) if word == "true" || word == "false" => {}
        _ => return None,
    }
    tokens.next().filter(|next| match next {
        TokenTree::Ident(word) => word != "as",
        TokenTree::Punct(sign) => sign.as_char() == ';',
        _ => false,
    })
}

fn until_comma(input: ParseStream<'_>) -> TokenStream {
    let mut tokens = TokenStream::new();
    while !input.is_empty() && !input.peek(Token![,]) {
        tokens.extend(input.parse::<TokenTree>());
    }
    tokens
}

fn skip_past_comma(input: ParseStream<'_>) {
    until_comma(input);
    // After the last option the comma may be missing, so ignore the error.
    let _comma = input.parse::<Token![,]>();
}

impl Arg {
    /// Reads an option that takes no value, such as `liveness`. Returns an error if there is a value.
    pub(crate) fn flag(&self) -> Result<bool> {
        match &self.value {
            Value::Missing => Ok(true),
            _ if matches!(self.literal(), Some(Lit::Bool(LitBool { value: false, .. }))) => {
                Err(self.refused("takes no value: leave it out"))
            }
            _ => Err(self.expected("takes no value", &self.key.to_string())),
        }
    }

    /// Reads a string, as in `name = "redis"`. If the value isn't a string, the error shows `example` as a valid value.
    pub(crate) fn text(&self, example: &str) -> Result<LitStr> {
        match self.literal() {
            Some(Lit::Str(text)) => Ok(text),
            _ => Err(self.expected("needs a string literal", &format!("{} = \"{example}\"", self.key))),
        }
    }

    /// Reads a boolean, as in `critical = false`.
    pub(crate) fn boolean(&self) -> Result<bool> {
        match self.literal() {
            Some(Lit::Bool(LitBool { value, .. })) => Ok(value),
            _ => Err(self.expected("needs `true` or `false`", &format!("{} = false", self.key))),
        }
    }

    /// Reads a positive integer, as in `failure_threshold = 3`.
    pub(crate) fn count(&self) -> Result<u32> {
        match self.literal().as_ref().and_then(positive) {
            Some(count) => Ok(count),
            None => Err(self.expected(
                &format!("needs a whole number from 1 to {}", u32::MAX),
                &format!("{} = 3", self.key),
            )),
        }
    }

    /// Reads a list of strings, as in `tags("cache", "external")`.
    pub(crate) fn texts(&self) -> Result<Vec<LitStr>> {
        let expected = self.expected(
            "needs a list of string literals",
            &format!("{}(\"a\", \"b\")", self.key),
        );
        match &self.value {
            Value::Listed(_, tokens) if !tokens.is_empty() => {
                let list = Punctuated::<LitStr, Token![,]>::parse_terminated.parse2(tokens.clone());
                // The error points to the first element that isn't a string literal.
                list.map(Vec::from_iter)
                    .map_err(|element| Error::new(element.span(), expected))
            }
            _ => Err(expected),
        }
    }

    /// Reads a path, as in `crate = path::to::healthcheck`.
    pub(crate) fn path(&self) -> Result<Path> {
        match &self.value {
            Value::Assigned(tokens) => Path::parse_mod_style.parse2(tokens.clone()).ok(),
            Value::Missing | Value::Listed(..) => None,
        }
        .ok_or_else(|| self.expected("needs a path without quotes", "crate = path::to::healthcheck"))
    }

    fn literal(&self) -> Option<Lit> {
        match &self.value {
            Value::Assigned(tokens) => syn::parse2(tokens.clone()).ok(),
            Value::Missing | Value::Listed(..) => None,
        }
    }

    fn expected(&self, what: &str, example: &str) -> Error {
        self.refused(&format!("{what}: write `{example}`"))
    }

    /// Returns an error that points to the value of this option, or to the key if the option has no value.
    fn refused(&self, why: &str) -> Error {
        let message = format!("`{}` {why}", self.key);
        match &self.value {
            Value::Assigned(tokens) if !tokens.is_empty() => Error::new_spanned(tokens, message),
            Value::Listed(paren, _) => Error::new(paren.span.join(), message),
            Value::Missing | Value::Assigned(_) => Error::new_spanned(&self.key, message),
        }
    }
}

fn positive(literal: &Lit) -> Option<u32> {
    let Lit::Int(number) = literal else {
        return None;
    };
    LitInt::base10_parse(number).ok().filter(|&number| number > 0)
}
