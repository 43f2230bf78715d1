//! What `#[health_check(…)]` says.

use std::time::Duration;

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::{Error, LitStr, Path, Result};

use crate::args::{self, Arg};
use crate::problems::Problems;
use crate::{duration, registration, rules};

/// The options that were written.
pub(crate) struct CheckOptions {
    pub(crate) krate: Path,
    pub(crate) name: Option<LitStr>,
    pub(crate) depends_on: Vec<LitStr>,
    /// Statements that set what was written; the rest is left to the runtime's defaults.
    statements: TokenStream,
}

/// What an option is, by its key.
#[derive(Clone, Copy)]
enum Key {
    Crate,
    Name,
    DependsOn,
    /// The value of the field of that name.
    Field(Read),
    /// The argument of `set_…`.
    Setter(Read),
}

/// From the value as it is written to an expression of the runtime's.
type Read = fn(&Arg, &Path) -> Result<TokenStream>;

/// All options.
const OPTIONS: [(&str, Key); 19] = [
    ("name", Key::Name),
    ("liveness", Key::Field(flag)),
    ("readiness", Key::Field(flag)),
    ("startup", Key::Field(flag)),
    // tags("cache", "external")
    ("tags", Key::Field(tags)),
    // critical = false
    ("critical", Key::Setter(boolean)),
    ("timeout", Key::Field(timeout)),
    ("success_ttl", Key::Field(|arg, _| ttl(arg, "27s"))),
    ("failed_ttl", Key::Field(|arg, _| ttl(arg, "9s"))),
    ("interval", Key::Field(interval)),
    ("initial_delay", Key::Field(initial_delay)),
    // failure_threshold = 3
    ("failure_threshold", Key::Field(count)),
    ("success_threshold", Key::Field(count)),
    ("fail_after", Key::Field(fail_after)),
    // depends_on("dns")
    ("depends_on", Key::DependsOn),
    ("external", Key::Field(flag)),
    ("owner", Key::Setter(|arg, _| label(arg, "the orders team"))),
    (
        "runbook",
        Key::Setter(|arg, _| label(arg, "https://runbooks.example/redis")),
    ),
    // crate = path::to::healthcheck
    ("crate", Key::Crate),
];

impl CheckOptions {
    pub(crate) fn parse(tokens: TokenStream, problems: &mut Problems) -> Self {
        let args = args::parse("health_check", &OPTIONS, tokens, problems);
        // Expressions name the runtime, so its path is read before them.
        let krate = args.iter().find(|(_, key)| matches!(key, Key::Crate));
        let krate = krate.and_then(|(arg, _)| problems.keep(arg.path()));
        let mut options = Self {
            krate: registration::krate(krate),
            name: None,
            depends_on: Vec::new(),
            statements: TokenStream::new(),
        };
        for (arg, key) in &args {
            problems.keep(options.read(arg, *key));
        }
        refuse_contradictions(&args, problems);
        options
    }

    fn read(&mut self, arg: &Arg, key: Key) -> Result<()> {
        match key {
            Key::Crate => {}
            Key::Name => self.name = Some(check_name(arg.text("redis")?)?),
            Key::DependsOn => {
                self.depends_on = distinct(arg.texts()?, check_name)?;
                let names = texts(&self.krate, &self.depends_on);
                self.assign("depends_on", &names);
            }
            Key::Field(read) => {
                let value = read(arg, &self.krate)?;
                self.assign(&arg.key.to_string(), &value);
            }
            Key::Setter(read) => {
                let value = read(arg, &self.krate)?;
                self.call(&arg.key.to_string(), &value);
            }
        }
        Ok(())
    }

    /// What the section of the doc comment says.
    pub(crate) fn when_it_fails(&mut self, text: Option<&str>) {
        if let Some(text) = text {
            self.call("when_it_fails", &quote!(#text));
        }
    }

    /// An expression of the runtime's type of options.
    pub(crate) fn tokens(&self) -> TokenStream {
        let (krate, statements) = (&self.krate, &self.statements);
        let default = quote!(#krate::__private::options());
        if statements.is_empty() {
            return default;
        }
        let options = variable();
        quote!({
            let mut #options = #default;
            #statements
            #options
        })
    }

    fn assign(&mut self, field: &str, value: &TokenStream) {
        let (options, field) = (variable(), Ident::new(field, Span::call_site()));
        self.statements.extend(quote!(#options.#field = #value;));
    }

    fn call(&mut self, field: &str, value: &TokenStream) {
        let (options, setter) = (variable(), Ident::new(&format!("set_{field}"), Span::call_site()));
        self.statements.extend(quote!(#options.#setter(#value);));
    }
}

fn variable() -> Ident {
    Ident::new("__healthcheck_options", Span::mixed_site())
}

/// Options that are right by themselves and wrong together.
fn refuse_contradictions(args: &[(Arg, Key)], problems: &mut Problems) {
    let written = |key: &str| {
        args.iter()
            .map(|(arg, _)| &arg.key)
            .find(|written| *written == key)
    };
    let mut refuse = |guilty: Option<&Ident>, message: &str| {
        if let Some(guilty) = guilty {
            problems.refuse(guilty, message);
        }
    };
    if written("interval").is_some() {
        for ttl in ["success_ttl", "failed_ttl"] {
            let message =
                format!("`{ttl}` says nothing beside `interval`: a result is kept until the next run");
            refuse(written(ttl), &message);
        }
    } else {
        let message = "`initial_delay` says nothing without `interval`: the check runs when it is asked for";
        refuse(written("initial_delay"), message);
    }
    if args
        .iter()
        .any(|(arg, _)| arg.key == "liveness" && arg.flag().is_ok())
    {
        let message = "an `external` check cannot belong to `liveness`: a restart doesn't repair what lies outside of the process";
        refuse(written("external"), message);
    }
}

fn flag(arg: &Arg, _: &Path) -> Result<TokenStream> {
    arg.flag().map(|yes| quote!(#yes))
}

fn boolean(arg: &Arg, _: &Path) -> Result<TokenStream> {
    arg.boolean().map(|yes| quote!(#yes))
}

fn count(arg: &Arg, _: &Path) -> Result<TokenStream> {
    arg.count().map(|count| quote!(#count))
}

fn label(arg: &Arg, example: &str) -> Result<TokenStream> {
    let text = arg.text(example)?;
    match rules::label(&format!("`{}`", arg.key), &text.value()) {
        Ok(()) => Ok(quote!(#text)),
        Err(problem) => Err(Error::new(text.span(), problem)),
    }
}

fn tags(arg: &Arg, krate: &Path) -> Result<TokenStream> {
    let tags = distinct(arg.texts()?, |tag| match rules::tag(&tag.value()) {
        Ok(()) => Ok(tag),
        Err(problem) => Err(Error::new(tag.span(), problem)),
    });
    Ok(texts(krate, &tags?))
}

fn texts(krate: &Path, texts: &[LitStr]) -> TokenStream {
    quote!(#krate::__private::texts(&[#(#texts),*]))
}

fn check_name(name: LitStr) -> Result<LitStr> {
    match rules::check_name(&name.value()) {
        Ok(()) => Ok(name),
        Err(problem) => Err(Error::new(name.span(), problem)),
    }
}

/// Every text of a list, each at most once.
fn distinct(texts: Vec<LitStr>, rule: fn(LitStr) -> Result<LitStr>) -> Result<Vec<LitStr>> {
    let mut problems = Problems::default();
    let mut distinct: Vec<LitStr> = Vec::new();
    for text in texts {
        if distinct.iter().any(|earlier| earlier.value() == text.value()) {
            problems.refuse(&text, format!("`{}` is listed more than once", text.value()));
        } else {
            distinct.extend(problems.keep(rule(text)));
        }
    }
    problems.into_result(distinct)
}

/// `timeout = "2s"`, `"none"` for no limit.
fn timeout(arg: &Arg, _: &Path) -> Result<TokenStream> {
    let literal = arg.text("2s")?;
    match duration::optional(&literal)? {
        Some(Duration::ZERO) => {
            let message = "a time limit of zero lets no run pass: write \"none\" for no limit";
            Err(Error::new(literal.span(), message))
        }
        limit => Ok(chosen(limit)),
    }
}

/// `"none"`: not cached.
fn ttl(arg: &Arg, example: &str) -> Result<TokenStream> {
    duration::optional(&arg.text(example)?).map(chosen)
}

fn interval(arg: &Arg, _: &Path) -> Result<TokenStream> {
    time(
        arg,
        "10s",
        "leave `interval` out for a check that runs when it is asked for",
    )
}

fn initial_delay(arg: &Arg, _: &Path) -> Result<TokenStream> {
    time(arg, "1s", "leave `initial_delay` out for a first run at once")
}

fn fail_after(arg: &Arg, _: &Path) -> Result<TokenStream> {
    time(
        arg,
        "60s",
        "leave `fail_after` out for a check that fails at once",
    )
}

fn time(arg: &Arg, example: &str, instead: &str) -> Result<TokenStream> {
    let time = duration::positive(&arg.text(example)?, instead)?;
    Ok(some(&duration::tokens(time)))
}

/// Of an option that knows "nobody said" and "none".
fn chosen(time: Option<Duration>) -> TokenStream {
    match time {
        None => some(&quote!(::core::option::Option::None)),
        Some(time) => some(&some(&duration::tokens(time))),
    }
}

fn some(value: &TokenStream) -> TokenStream {
    quote!(::core::option::Option::Some(#value))
}
