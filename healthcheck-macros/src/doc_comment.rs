//! Reads the description of a check and the instructions for a failure from the check's doc comment.

use syn::{Attribute, Expr, ExprLit, Lit, Meta};

const WHEN_IT_FAILS: &str = "When it fails";

/// The texts that a check takes from its doc comment.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct DocComment {
    /// The first paragraph, on one line and without its final full stop. Empty if there is no paragraph.
    pub(crate) description: String,
    /// The text below the heading `# When it fails`, with its line breaks. The heading may be of any level. The text
    /// ends at the next heading of the same or a higher level.
    pub(crate) when_it_fails: Option<String>,
}

impl DocComment {
    /// Reads the texts from each attribute `#[doc = "…"]` with a string literal. Skips `#[doc = include_str!("…")]`,
    /// because an attribute macro can't read the included file.
    pub(crate) fn of(attrs: &[Attribute]) -> Self {
        let fragments: Vec<String> = attrs.iter().filter_map(fragment).collect();
        let lines: Vec<&str> = fragments.iter().flat_map(|fragment| lines(fragment)).collect();
        Self {
            description: description(&lines),
            when_it_fails: when_it_fails(&lines),
        }
    }
}

fn description(lines: &[&str]) -> String {
    let lines = lines.iter().map(|line| line.trim());
    let mut lines = lines.skip_while(|line| line.is_empty()).peekable();
    if lines.peek().is_some_and(|line| is_when_it_fails(line)) {
        return String::new();
    }
    let first = lines.next().into_iter();
    // A heading ends a paragraph even without an empty line before it.
    let paragraph = first.chain(lines.take_while(|line| !line.is_empty() && heading(line).is_none()));
    let text = paragraph.collect::<Vec<_>>().join(" ");
    match text.strip_suffix('.') {
        // Remove one full stop at the end, but keep the dots of an ellipsis.
        Some(sentence) if !sentence.ends_with('.') => sentence.to_owned(),
        _ => text,
    }
}

fn when_it_fails(lines: &[&str]) -> Option<String> {
    let mut fence = Fence::default();
    let mut lines = lines.iter().map(|line| line.trim_end());
    let opening = lines
        .by_ref()
        .find(|line| !fence.holds(line) && is_when_it_fails(line))?;
    let (level, _) = heading(opening)?;
    let ends = |line: &str| heading(line).is_some_and(|(next, _)| next <= level);
    let text: Vec<&str> = lines
        .take_while(|line| fence.holds(line) || !ends(line))
        .collect();
    // Remove the indentation that all lines have in common, usually the one space after `///`.
    let written = text.iter().filter(|line| !line.is_empty());
    let indent = written
        .map(|line| line.len() - line.trim_start_matches(' ').len())
        .min()?;
    let text: Vec<&str> = text
        .iter()
        .map(|line| line.get(indent..).unwrap_or_default())
        .collect();
    Some(text.join("\n").trim_matches('\n').to_owned())
}

fn is_when_it_fails(line: &str) -> bool {
    heading(line).is_some_and(|(_, title)| title.eq_ignore_ascii_case(WHEN_IT_FAILS))
}

/// Parses a Markdown heading such as `## Text` or `## Text ##`, and returns its level and its text.
fn heading(line: &str) -> Option<(usize, &str)> {
    let line = line.trim();
    let text = line.trim_start_matches('#');
    let level = line.len() - text.len();
    let is_heading = (1..=6).contains(&level) && (text.is_empty() || text.starts_with([' ', '\t']));
    is_heading.then(|| (level, text.trim_end_matches('#').trim()))
}

/// Tracks fenced code blocks, because a `#` in a code block doesn't begin a heading. The field is the character
/// of the fence that is open, if any.
#[derive(Default)]
struct Fence(Option<char>);

impl Fence {
    /// Reads the next line, and returns whether it belongs to a code block. The fences belong to the code block too.
    fn holds(&mut self, line: &str) -> bool {
        let fence = ['`', '~']
            .into_iter()
            .find(|&mark| line.trim_start().chars().take_while(|&c| c == mark).count() >= 3);
        match (self.0, fence) {
            (None, None) => false,
            (Some(open), Some(mark)) if open == mark => {
                self.0 = None;
                true
            }
            (None, Some(mark)) => {
                self.0 = Some(mark);
                true
            }
            (Some(_), _) => true,
        }
    }
}

/// Splits the text of a `///` line or of a block comment into lines. If it is a block comment, removes the star at the
/// beginning of each line.
fn lines(fragment: &str) -> impl Iterator<Item = &str> {
    let is_block = fragment.contains('\n');
    fragment
        .split('\n')
        .map(move |line| match line.trim_start().strip_prefix('*') {
            Some(text) if is_block => text,
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
        // If a `macro_rules!` macro passes on an expression, the expression is in an invisible group.
        Expr::Group(group) => literal(&group.expr),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use syn::{Attribute, parse_quote};

    use super::DocComment;

    fn description(attrs: &[Attribute]) -> String {
        DocComment::of(attrs).description
    }

    fn when_it_fails(attrs: &[Attribute]) -> String {
        DocComment::of(attrs).when_it_fails.unwrap_or_default()
    }

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
             * # When it fails
             * Restart it:
             *   systemctl restart cache
             */
        };
        assert_eq!(description(&attrs), "The cache answers");
        assert_eq!(when_it_fails(&attrs), "Restart it:\n  systemctl restart cache");
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
        assert_eq!(DocComment::of(&attrs), DocComment::default());
    }

    #[test]
    fn what_to_do_ends_at_the_next_heading_of_its_level() {
        let attrs: Vec<Attribute> = parse_quote! {
            /// The orders database accepts connections.
            /// ## when it fails ##
            ///
            /// A failover takes 40 s: wait.
            ///
            ///   - Longer: page the storage team.
            /// ### And if they sleep
            /// Wake them.
            /// ## Why
            /// It is old.
        };
        assert_eq!(description(&attrs), "The orders database accepts connections");
        assert_eq!(
            when_it_fails(&attrs),
            "A failover takes 40 s: wait.\n\n  - Longer: page the storage team.\n### And if they sleep\nWake them."
        );
    }

    #[test]
    fn a_comment_in_a_block_of_code_is_no_heading() {
        let attrs: Vec<Attribute> = parse_quote! {
            /// ```sh
            /// # When it fails
            /// ```
            /// # When it fails
            /// ~~~sh
            /// # restart it
            /// systemctl restart cache
            /// ~~~
            /// # Why
        };
        assert_eq!(
            when_it_fails(&attrs),
            "~~~sh\n# restart it\nsystemctl restart cache\n~~~"
        );
    }

    #[test]
    fn a_doc_comment_may_be_that_section_alone_and_the_section_empty() {
        let alone: Vec<Attribute> = parse_quote! {
            /// # When it fails
            /// Wait.
        };
        assert_eq!(
            (description(&alone), when_it_fails(&alone)),
            (String::new(), "Wait.".to_owned())
        );
        let empty: Vec<Attribute> = parse_quote! {
            /// It answers.
            ///
            /// # When it fails
            ///
            /// # Other
        };
        assert_eq!(DocComment::of(&empty).when_it_fails, None);
    }
}
