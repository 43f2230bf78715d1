//! From a doc comment to a description: its first paragraph on one line, read by clap's rules.

use syn::{Attribute, Expr, ExprLit, Lit, Meta};

/// The first paragraph without its final full stop; empty where there is none.
///
/// Only literals count: what `#[doc = include_str!("…")]` includes is not visible to a macro.
pub(crate) fn description(attrs: &[Attribute]) -> String {
    let fragments: Vec<String> = attrs.iter().filter_map(fragment).collect();
    let lines = fragments.iter().flat_map(|fragment| lines(fragment));
    let paragraph: Vec<&str> = lines
        .skip_while(|line| line.is_empty())
        .take_while(|line| !line.is_empty())
        .collect();
    let text = paragraph.join(" ");
    match text.strip_suffix('.') {
        // An ellipsis stays.
        Some(sentence) if !sentence.ends_with('.') => sentence.to_owned(),
        _ => text,
    }
}

/// The lines of one `///`, or of a whole block comment, whose lines may begin with a star.
fn lines(fragment: &str) -> impl Iterator<Item = &str> {
    let is_block = fragment.contains('\n');
    fragment
        .split('\n')
        .map(str::trim)
        .map(move |line| match line.strip_prefix('*') {
            Some(text) if is_block => text.trim_start(),
            _ => line,
        })
}

fn fragment(attr: &Attribute) -> Option<String> {
    let Meta::NameValue(doc) = &attr.meta else {
        return None;
    };
    doc.path.is_ident("doc").then(|| literal(&doc.value))?
}

fn literal(value: &Expr) -> Option<String> {
    match value {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text), ..
        }) => Some(text.value()),
        // A `macro_rules!` hands an expression over in an invisible group.
        Expr::Group(group) => literal(&group.expr),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use syn::{Attribute, parse_quote};

    use super::description;

    #[test]
    fn the_first_paragraph_becomes_one_line_without_its_full_stop() {
        let attrs: Vec<Attribute> = parse_quote! {
            ///
            /// The orders database
            ///   accepts connections.
            ///
            /// It is the one in Dublin.
        };
        assert_eq!(description(&attrs), "The orders database accepts connections");
    }

    #[test]
    fn a_block_comment_is_split_into_lines() {
        let attrs: Vec<Attribute> = parse_quote! {
            /**
             * The cache
             * answers.
             *
             * More.
             */
        };
        assert_eq!(description(&attrs), "The cache answers");
    }

    #[test]
    fn an_ellipsis_stays() {
        let attrs: Vec<Attribute> = parse_quote!(#[doc = "Waits..."]);
        assert_eq!(description(&attrs), "Waits...");
    }

    #[test]
    fn other_attributes_and_hidden_docs_say_nothing() {
        let attrs: Vec<Attribute> = parse_quote! {
            #[must_use = "why"]
            #[doc(hidden)]
            #[doc = include_str!("../README.md")]
        };
        assert_eq!(description(&attrs), "");
    }
}
