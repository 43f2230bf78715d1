//! Interprets the options of `#[env_section(…)]`.

use proc_macro2::TokenStream;
use syn::{LitStr, Path, Result};

use crate::args::{self, Arg};
use crate::problems::Problems;

/// The parsed options of one `#[env_section(…)]`.
#[derive(Default)]
pub(crate) struct SectionOptions {
    pub(crate) krate: Option<Path>,
    pub(crate) name: Option<LitStr>,
    pub(crate) in_health: bool,
}

#[derive(Clone, Copy)]
enum Key {
    Name,
    InHealth,
    Crate,
}

// All options together:
//
// #[env_section(
//     name = "app",
//     in_health,
//     crate = path::to::healthcheck,
// )]
const OPTIONS: [(&str, Key); 3] = [
    ("name", Key::Name),
    ("in_health", Key::InHealth),
    ("crate", Key::Crate),
];

impl SectionOptions {
    pub(crate) fn parse(tokens: TokenStream, problems: &mut Problems) -> Self {
        let mut options = Self::default();
        for (arg, key) in args::parse("env_section", &OPTIONS, tokens, problems) {
            problems.keep(options.read(&arg, key));
        }
        options
    }

    fn read(&mut self, arg: &Arg, key: Key) -> Result<()> {
        match key {
            Key::Name => self.name = Some(arg.text("app")?),
            Key::InHealth => self.in_health = arg.flag()?,
            Key::Crate => self.krate = Some(arg.path()?),
        }
        Ok(())
    }
}
