//! Writes HTML. The compiler enforces escaping: only literals in this crate's source are written unescaped.
//!
//! A template engine would also escape values, but it would add six packages to every app that uses this crate.

use std::fmt::{self, Display, Write};

use crate::render::body::Body;

/// A writer of HTML, which appends to a response body.
pub(super) struct Markup<'a>(pub(super) &'a mut Body);

/// Writes string literals unescaped, and values in braces escaped, as in `html!(page, "<b>" {name} "</b>")`.
macro_rules! html {
    ($page:expr, $($piece:tt)*) => {{
        let page: &mut $crate::render::html::markup::Markup<'_> = $page;
        $( html!(@ page $piece); )*
        ::std::result::Result::<(), ::std::fmt::Error>::Ok(())
    }};
    (@ $page:ident $literal:literal) => { $page.literal($literal)? };
    (@ $page:ident {$value:expr}) => { $page.text(&$value)? };
}
pub(super) use html;

impl Markup<'_> {
    /// Writes HTML from the source of this crate, without escaping it.
    ///
    /// `markup` must be `'static`. This prevents passing a text from a check or a client by mistake.
    pub(super) fn literal(&mut self, markup: &'static str) -> fmt::Result {
        self.0.write_str(markup)
    }

    /// Writes a text, and escapes HTML's special characters in it. The result is safe between tags and in quoted
    /// attributes.
    pub(super) fn text(&mut self, text: &(impl Display + ?Sized)) -> fmt::Result {
        write!(Escaping(self.0), "{text}")
    }
}

struct Escaping<'a>(&'a mut Body);

impl Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some(at) = rest.find(is_special) {
            let (before, behind) = rest.split_at(at);
            self.0.write_str(before)?;
            let mut behind = behind.chars();
            if let Some(special) = behind.next() {
                self.special(special)?;
            }
            rest = behind.as_str();
        }
        self.0.write_str(rest)
    }
}

fn is_special(character: char) -> bool {
    matches!(character, '&' | '<' | '>' | '"' | '\'')
        || (character.is_control() && !matches!(character, '\n' | '\t'))
}

impl Escaping<'_> {
    fn special(&mut self, character: char) -> fmt::Result {
        self.0.write_str(match character {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            '"' => "&quot;",
            '\'' => "&#39;",
            // Browsers drop or replace control characters. So we write a visible symbol in place of each control
            // character.
            '\u{7f}' => "\u{2421}",
            control if control < ' ' => {
                let picture = char::from_u32(0x2400 + u32::from(control)).unwrap_or('\u{fffd}');
                return self.0.write_char(picture);
            }
            _ => "\u{fffd}",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Markup<'_>) -> fmt::Result) -> String {
        let mut body = Body::default();
        write(&mut Markup(&mut body)).unwrap();
        String::from_utf8(body.into_bytes().to_vec()).unwrap()
    }

    #[test]
    fn values_are_text_and_literals_are_markup() {
        let evil = "</b><script>alert('x')</script>&\"";
        let page = written(|page| html!(page, "<b title=\"" {evil} "\">" {evil} "</b>"));
        assert_eq!(
            page,
            "<b title=\"&lt;/b&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&quot;\">\
             &lt;/b&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&quot;</b>"
        );
    }

    #[test]
    fn control_characters_become_their_pictures() {
        assert_eq!(
            written(|page| page.text("a\0\u{1b}[2J\u{7f}\u{85}\n\tz")),
            "a␀␛[2J␡\u{fffd}\n\tz"
        );
    }
}
