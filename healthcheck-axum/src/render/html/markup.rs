//! Writes HTML. The compiler enforces escaping: only literals in this crate's source are written unescaped.
//!
//! A template engine would do the same, but needs six packages: more than this crate may add to an app.

use std::fmt::{self, Display, Write};

use crate::render::body::Body;

/// A page that is being written.
pub(super) struct Markup<'a>(pub(super) &'a mut Body);

/// Writes literals unescaped and values (in braces) escaped: `html!(page, "<b>" {name} "</b>")`.
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
    /// Writes markup from our source. Text from checks and clients isn't `'static`, so it can't be passed here.
    pub(super) fn literal(&mut self, markup: &'static str) -> fmt::Result {
        self.0.write_str(markup)
    }

    /// Writes escaped text, for use between tags and in quoted attributes.
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
            // Browsers drop or replace control characters. A visible substitute shows the reader that there is one.
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
