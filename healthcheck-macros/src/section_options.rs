//! What `#[env_section(…)]` says.

use proc_macro2::TokenStream;
use syn::{LitStr, Path, Result};

use crate::args::{self, Arg};
use crate::problems::Problems;

/// The options that were written.
#[derive(Default)]
pub(crate) struct SectionOptions {
    pub(crate) krate: Option<Path>,
    pub(crate) name: Option<LitStr>,
    pub(crate) in_health: bool,
}

const KNOWN: [&str; 3] = ["name", "in_health", "crate"];

// #[env_section(
//     name = "app",
//     in_health,
//     crate = path::to::healthcheck,
// )]
impl SectionOptions {
    pub(crate) fn parse(tokens: TokenStream, problems: &mut Problems) -> Self {
        let mut options = Self::default();
        for arg in args::parse("env_section", &KNOWN, tokens, problems) {
            problems.keep(options.read(&arg));
        }
        options
    }

    fn read(&mut self, arg: &Arg) -> Result<()> {
        match arg.key.to_string().as_str() {
            "name" => self.name = Some(arg.text("app")?),
            "in_health" => self.in_health = arg.flag()?,
            // The list is `KNOWN`, so this is `crate`.
            _ => self.krate = Some(arg.path()?),
        }
        Ok(())
    }
}
